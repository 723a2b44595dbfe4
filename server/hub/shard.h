#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/core/leave.h"
#include "server/core/message.h"
#include "server/core/partition.h"
#include "server/core/session_id.h"
#include "server/engine/event_log.h"
#include "server/hub/broadcast_round.h"
#include "server/hub/hub_session.h"
#include "server/hub/topic_index.h"
#include "server/hub/uid_directory.h"

namespace longwire {

class Hub;

// The sessions of one loop, and the events they cause. Only that loop's thread calls it; others
// post to loop().
//
// Events are gathered during the turn and appended to the log at its end, in one go. Whatever tells
// the world that a session is gone - the release of its uid - happens after that, so a LEAVE stands
// in the log before the ENTER of the login that waited for it, whichever loop that is on.
class Shard {
 public:
  Shard(Hub& hub, Loop& loop, LoopMetrics& metrics);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  Loop& loop() { return loop_; }
  uint32_t index() const { return loop_.index(); }

  // A new session's ID; it names this shard.
  SessionId NewId();
  // Where the events of a session go.
  PartitionNumber PartitionOf(std::string_view uid, SessionId id) const;

  // Asks for the session's uid. kGranted: call Enter. kWaiting: OnClaimGranted or OnEvicted comes
  // later. kRejected: the uid has a session (reject-new). Unless rejected, the session must Enter
  // or Abandon. Anonymous sessions are granted at once.
  UidDirectory::Claim Claim(HubSession& session);
  // Gives a claim up before entering.
  void Abandon(const HubSession& session);

  // From here on the session is routable, and in `topics`. Writes ENTER. REQUIRES: its claim is
  // granted; valid names, at most kTopicsPerSessionMax.
  void Enter(HubSession& session, v1::Enter enter, const std::vector<std::string>& topics = {});
  // Writes ROUTE. REQUIRES: entered; valid UTF-8 in the command and in a text.
  void Routed(const HubSession& session, std::string_view command, MessageView message);
  // Writes LEAVE, and the session is no longer routable, nor in any topic: nothing of it follows.
  // REQUIRES: entered.
  void Leave(const HubSession& session, const longwire::Leave& leave);

  // Null when there is no such session.
  HubSession* Find(SessionId id) const;
  size_t size() const { return sessions_.size(); }
  // Calls visit(HubSession&) for each session; it must not enter or leave any.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const auto& [id, session] : sessions_) visit(*session);
  }

  // Which of the sessions are in which topics.
  TopicIndex& topics() { return topics_; }
  // The broadcasts that are under way here.
  BroadcastRound& broadcasts() { return broadcasts_; }

  // What another shard's release or claim asks of a session here.
  void Grant(SessionId id);
  void Evict(SessionId id);

  // Appends the turn's events to the log and then releases the uids of those that left. The loop
  // calls it at the end of each turn; a snapshot calls it to have everything in the log.
  void EndTurn();

 private:
  EventTraits TraitsOf(const HubSession& session, v1::EventType type) const;
  // Appends the events gathered so far to the log.
  void AppendBatch();

  // Constant after construction.
  Hub& hub_;
  Loop& loop_;
  LoopMetrics& metrics_;

  absl::flat_hash_map<SessionId, HubSession*> sessions_;
  absl::flat_hash_map<SessionId, HubSession*> claimants_;  // Those that wait for their uid.
  TopicIndex topics_;
  BroadcastRound broadcasts_{loop_};
  EventBatch batch_;
  using Releases = std::vector<std::pair<std::string, SessionId>>;
  static void Release(Hub& hub, const Releases& releases);
  Releases releases_;  // Due when the batch is in the log.
};

}  // namespace longwire
