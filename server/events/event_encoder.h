#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "longwire/v1/types.pb.h"
#include "server/core/leave.h"
#include "server/core/message.h"
#include "server/core/session_id.h"

namespace longwire {

// Whose event it is, and when.
struct EventHead {
  SessionId session_id = 0;
  std::string_view uid;
  int64_t wall_millis = 0;
};

// Each appends the wire form of a longwire.v1.Event, but for `sequence`, which the log gives it.
// REQUIRES: all strings but binary bodies are valid UTF-8.
void AppendEnter(std::string& out, const EventHead& head, v1::Enter enter);
void AppendRouted(std::string& out, const EventHead& head, std::string_view command,
                  MessageView message);
void AppendLeave(std::string& out, const EventHead& head, const Leave& leave);

// Appends an ENTER with `snapshot` set and sequence 0, framed as an element of
// SubscribeEventsResponse.events: for a session that entered at head.wall_millis.
void AppendFramedSnapshotEnter(std::string& out, const EventHead& head, const v1::Session& session);

}  // namespace longwire
