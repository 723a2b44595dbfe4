#include "server/api/session_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "server/api/route_job.h"
#include "server/base/limits.h"
#include "server/core/name.h"

namespace longwire {
namespace {

using Work = absl::AnyInvocable<std::optional<Refusal>(Shard&, HubSession&)>;

// Runs `work` on the session's loop, if there is such a session. `bytes` is what the work holds.
void OnSession(Hub& hub, SessionId id, size_t bytes, Work work, CallDone done) {
  Shard* shard = hub.ShardFor(id);
  if (shard == nullptr) {
    done(SessionGone(id));
    return;
  }
  // Shared, since a refused post takes its task with it.
  auto shared_done = std::make_shared<CallDone>(std::move(done));
  const bool is_posted =
      shard->loop().TryPost(bytes, [shard, id, work = std::move(work), shared_done]() mutable {
        HubSession* session = shard->Find(id);
        (*shared_done)(session == nullptr ? SessionGone(id) : work(*shard, *session));
      });
  if (!is_posted) (*shared_done)(LoopBusy(fmt::format("session {}", id)));
}

std::vector<std::string> SortedOnce(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

Refusal TooManyTopics(SessionId id) {
  return {Reason::kTooManyTopics,
          fmt::format("session {} would be in more than {} topics", id, kTopicsPerSessionMax)};
}

size_t BytesOf(const std::vector<std::string>& names) {
  size_t bytes = names.size() * sizeof(std::string);
  for (const std::string& name : names) bytes += name.size();
  return bytes;
}

}  // namespace

void ShowSession(const HubSession& session, Shard& shard, const Hub& hub, v1::Session& shown) {
  session.Describe(shown);
  shown.set_node_id(hub.node_id());
  for (std::string& topic : shard.topics().TopicsOf(session)) shown.add_topics(std::move(topic));
}

std::optional<Refusal> CheckSessionId(SessionId id) {
  if (id != 0) return std::nullopt;
  return Refusal{Reason::kTargetMissing, "session_id is not set"};
}

void RunGetSession(Hub& hub, SessionId id, v1::Session& shown, CallDone done) {
  OnSession(
      hub, id, sizeof(Work),
      [&hub, &shown](Shard& shard, const HubSession& session) -> std::optional<Refusal> {
        ShowSession(session, shard, hub, shown);
        return std::nullopt;
      },
      std::move(done));
}

std::variant<TopicChange, Refusal> PlanTopicChange(const v1::UpdateTopicsRequest& request) {
  if (auto refusal = CheckSessionId(request.session_id())) return *std::move(refusal);
  for (const auto* names : {&request.join(), &request.leave()}) {
    for (const std::string& name : *names) {
      if (auto refusal = CheckTopicName(name)) return *std::move(refusal);
    }
  }
  TopicChange change{.session_id = request.session_id(),
                     .leave = SortedOnce(request.leave()),
                     .join = SortedOnce(request.join())};
  std::vector<std::string> both;
  std::set_intersection(change.join.begin(), change.join.end(), change.leave.begin(),
                        change.leave.end(), std::back_inserter(both));
  if (!both.empty()) {
    return Refusal{Reason::kBadTopicName,
                   fmt::format("topic \"{}\" is in both join and leave", both.front())};
  }
  if (change.join.size() > kTopicsPerSessionMax) return TooManyTopics(change.session_id);
  return change;
}

void RunUpdateTopics(Hub& hub, TopicChange change, v1::UpdateTopicsResponse& response,
                     CallDone done) {
  const SessionId id = change.session_id;
  const size_t bytes = BytesOf(change.leave) + BytesOf(change.join);
  OnSession(
      hub, id, bytes,
      [change = std::move(change), &response](Shard& shard,
                                              HubSession& session) -> std::optional<Refusal> {
        if (!shard.topics().Update(session, change.leave, change.join)) {
          return TooManyTopics(change.session_id);
        }
        for (std::string& topic : shard.topics().TopicsOf(session)) {
          response.add_topics(std::move(topic));
        }
        return std::nullopt;
      },
      std::move(done));
}

}  // namespace longwire
