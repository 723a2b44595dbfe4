#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "server/hub/hub.h"

namespace longwire {

// Every live session of the node, told so that following the log from there on leaves no hole and
// tells nothing twice: shard s is shown as it stood at positions[s] of the log.
struct Snapshot {
  // ENTER events with `snapshot` set, framed as elements of SubscribeEventsResponse.events, cut
  // into pieces that each fit one response.
  std::vector<std::string> framed_pieces;
  std::vector<uint64_t> positions;  // By shard.

  // Where to read on: right behind the earliest shard's position.
  uint64_t next() const;
};

// Takes a snapshot and hands it to `done`, which is called once, on a loop; it must be quick.
// Any thread.
void TakeSnapshot(Hub& hub, absl::AnyInvocable<void(Snapshot)> done);

}  // namespace longwire
