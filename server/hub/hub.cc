#include "server/hub/hub.h"

#include <algorithm>

namespace longwire {

Hub::Hub(const std::vector<std::unique_ptr<Loop>>& loops, EventLog& log, IdGenerator& ids,
         const Options& options, ByteBudget& outbox_budget, Metrics& metrics)
    : log_(log),
      ids_(ids),
      options_(options),
      outbox_budget_(outbox_budget),
      uids_(options.duplicate_login) {
  for (const auto& loop : loops) {
    shards_.push_back(std::make_unique<Shard>(*this, *loop, *metrics.loop[loop->index()]));
  }
}

Shard* Hub::ShardFor(SessionId id) {
  if (id <= 0 || ids_.NodeOf(id) != options_.node_id) return nullptr;
  const uint32_t shard = ids_.ShardOf(id);
  return shard < shards_.size() ? shards_[shard].get() : nullptr;
}

bool Hub::IsAnyLoopBehind() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->loop().is_inbox_half_full(); });
}

void Hub::PostGrant(SessionId id) {
  Shard& shard = *ShardFor(id);
  shard.loop().Post([&shard, id] { shard.Grant(id); });
}

void Hub::PostEvict(SessionId id) {
  Shard& shard = *ShardFor(id);
  shard.loop().Post([&shard, id] { shard.Evict(id); });
}

}  // namespace longwire
