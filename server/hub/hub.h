#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/base/byte_budget.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/core/session_id.h"
#include "server/engine/event_log.h"
#include "server/hub/shard.h"
#include "server/hub/uid_directory.h"

namespace longwire {

// All sessions of this node: one shard a loop, and the uids across them. It knows no sockets and no
// gRPC. Any thread, unless said otherwise.
class Hub {
 public:
  struct Options {
    uint32_t node_id = 0;
    uint32_t partitions = 1;  // Of the event log.
    DuplicateLogin duplicate_login = DuplicateLogin::kKickOld;
  };

  // One shard for each loop; `metrics` has a LoopMetrics for each. All must outlive the hub.
  Hub(const std::vector<std::unique_ptr<Loop>>& loops, EventLog& log, IdGenerator& ids,
      const Options& options, ByteBudget& outbox_budget, Metrics& metrics);

  // Whose shard a session is or would be. Null when the ID names another node.
  Shard* ShardFor(SessionId id);
  const std::vector<std::unique_ptr<Shard>>& shards() const { return shards_; }

  UidDirectory& uids() { return uids_; }
  EventLog& log() { return log_; }
  IdGenerator& ids() { return ids_; }
  uint32_t node_id() const { return options_.node_id; }
  uint32_t partitions() const { return options_.partitions; }
  // What all outboxes may hold together.
  ByteBudget& outbox_budget() { return outbox_budget_; }

  // Whether more waits for one of the loops than it can be expected to have worked off soon.
  bool IsAnyLoopBehind() const;

  // Asks a session's shard to let it enter, or to end it. REQUIRES: an ID of this node.
  void PostGrant(SessionId id);
  void PostEvict(SessionId id);

 private:
  EventLog& log_;
  IdGenerator& ids_;
  const Options options_;
  ByteBudget& outbox_budget_;
  UidDirectory uids_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace longwire
