#include "server/hub/shard.h"

#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/events/event_encoder.h"
#include "server/hub/hub.h"

namespace longwire {

Shard::Shard(Hub& hub, Loop& loop, LoopMetrics& metrics)
    : hub_(hub), loop_(loop), metrics_(metrics) {}

SessionId Shard::NewId() {
  return hub_.ids().Next(index());
}

PartitionNumber Shard::PartitionOf(std::string_view uid, SessionId id) const {
  return longwire::PartitionOf(uid, id, hub_.partitions());
}

EventTraits Shard::TraitsOf(const HubSession& session, v1::EventType type) const {
  return {.type = static_cast<uint8_t>(type),
          .shard = static_cast<uint8_t>(index()),
          .partition = session.partition()};
}

UidDirectory::Claim Shard::Claim(HubSession& session) {
  if (session.uid().empty()) return UidDirectory::Claim::kGranted;
  const UidDirectory::ClaimResult result = hub_.uids().Enqueue(session.uid(), session.id());
  if (result.claim == UidDirectory::Claim::kWaiting) {
    claimants_.emplace(session.id(), &session);
    if (result.cancelled != 0) hub_.PostEvict(result.cancelled);
    if (result.evict != 0) hub_.PostEvict(result.evict);
  }
  return result.claim;
}

void Shard::Abandon(const HubSession& session) {
  if (session.uid().empty()) return;
  claimants_.erase(session.id());
  releases_.emplace_back(session.uid(), session.id());
}

void Shard::Enter(HubSession& session, v1::Enter enter, const std::vector<std::string>& topics) {
  claimants_.erase(session.id());
  sessions_.emplace(session.id(), &session);
  if (!topics.empty()) {
    const bool is_in = topics_.Update(session, {}, topics);
    LONGWIRE_CHECK(is_in, "session {} enters with {} topics", session.id(), topics.size());
  }
  AppendEnter(batch_.bytes(), {session.id(), session.uid(), loop_.wall_millis()}, std::move(enter));
  batch_.Add(TraitsOf(session, v1::EVENT_TYPE_ENTER));
  metrics_.sessions.Add();
  metrics_.sessions_entered.Add();
}

void Shard::Routed(const HubSession& session, std::string_view command, MessageView message) {
  AppendRouted(batch_.bytes(), {session.id(), session.uid(), loop_.wall_millis()}, command,
               message);
  batch_.Add(TraitsOf(session, v1::EVENT_TYPE_ROUTE));
  metrics_.messages_in.Add();
  // A flood of small messages must not make the batch, and the time the log is locked for it,
  // large.
  if (batch_.encoded().size() >= kEventBatchBytesMax) AppendBatch();
}

void Shard::Leave(const HubSession& session, const longwire::Leave& leave) {
  const size_t erased = sessions_.erase(session.id());
  LONGWIRE_CHECK(erased == 1, "session {} leaves without having entered", session.id());
  topics_.Remove(session);
  AppendLeave(batch_.bytes(), {session.id(), session.uid(), loop_.wall_millis()}, leave);
  EventTraits traits = TraitsOf(session, v1::EVENT_TYPE_LEAVE);
  traits.silent = leave.silent;
  batch_.Add(traits);
  if (!session.uid().empty()) releases_.emplace_back(session.uid(), session.id());
  metrics_.sessions.Subtract();
  metrics_.sessions_left[static_cast<size_t>(leave.reason)].Add();
}

HubSession* Shard::Find(SessionId id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Shard::Grant(SessionId id) {
  const auto found = claimants_.find(id);
  // Not found: it gave up meanwhile, and its release passes the uid on.
  if (found != claimants_.end()) found->second->OnClaimGranted();
}

void Shard::Evict(SessionId id) {
  if (HubSession* session = Find(id)) {
    session->OnEvicted();
  } else if (const auto found = claimants_.find(id); found != claimants_.end()) {
    found->second->OnEvicted();
  }
  // Neither: it is on its way out already.
}

void Shard::AppendBatch() {
  if (batch_.empty()) {
    // Of sessions that gave up before they entered: nothing stands in the log before them.
    Release(hub_, std::exchange(releases_, {}));
    return;
  }
  if (releases_.empty()) {
    hub_.log().Append(batch_);
  } else {
    hub_.log().Append(
        batch_, [&hub = hub_, releases = std::exchange(releases_, {})] { Release(hub, releases); });
  }
  batch_.Clear();
}

void Shard::EndTurn() {
  AppendBatch();
}

void Shard::Release(Hub& hub, const Releases& releases) {
  for (const auto& [uid, id] : releases) {
    const SessionId granted = hub.uids().Release(uid, id);
    if (granted != 0) hub.PostGrant(granted);
  }
}

}  // namespace longwire
