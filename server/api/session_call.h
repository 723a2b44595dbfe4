#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/gateway.pb.h"
#include "server/base/refusal.h"
#include "server/hub/hub.h"

namespace longwire {

// GetSession and UpdateTopics: what is done to one session, on its loop.

// Fills all of `shown`. On the session's loop.
void ShowSession(const HubSession& session, Shard& shard, const Hub& hub, v1::Session& shown);

// Called once when a call is through, with the refusal if there is one; on a loop or on the
// caller's thread. It must be quick.
using CallDone = absl::AnyInvocable<void(std::optional<Refusal>)>;

// What is wrong with the session_id of a request; nothing when it can be looked up.
std::optional<Refusal> CheckSessionId(SessionId id);

// Shows the session as it is. REQUIRES: nothing wrong by CheckSessionId; `shown` lives until it is
// done.
void RunGetSession(Hub& hub, SessionId id, v1::Session& shown, CallDone done);

// An UpdateTopics that can be tried: sorted, each name once, none in both lists.
struct TopicChange {
  SessionId session_id = 0;
  std::vector<std::string> leave;
  std::vector<std::string> join;
};
std::variant<TopicChange, Refusal> PlanTopicChange(const v1::UpdateTopicsRequest& request);

// Makes the change, all of it or none, and tells the session's topics. REQUIRES: `response` lives
// until it is done.
void RunUpdateTopics(Hub& hub, TopicChange change, v1::UpdateTopicsResponse& response,
                     CallDone done);

}  // namespace longwire
