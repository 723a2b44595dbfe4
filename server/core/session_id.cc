#include "server/core/session_id.h"

#include <algorithm>
#include <bit>

#include "server/base/check.h"

namespace longwire {

SnowflakeGenerator::SnowflakeGenerator(const Clock& clock, int64_t epoch_millis, uint32_t node,
                                       uint32_t shards)
    : clock_(clock),
      epoch_millis_(epoch_millis),
      node_(node),
      shard_bits_(std::bit_width(shards - 1)) {
  LONGWIRE_CHECK(node <= kNodeIdMax, "node {}", node);
  LONGWIRE_CHECK(shards >= 1 && shards <= kShardsMax, "shards {}", shards);
  const int64_t since_epoch = clock.WallMillis() - epoch_millis;
  LONGWIRE_CHECK(since_epoch >= 0 && since_epoch >> kTimeBits == 0, "{} ms since the epoch",
                 since_epoch);
  for (uint32_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<ShardState>());
}

SessionId SnowflakeGenerator::Next(uint32_t shard) {
  ShardState& state = *shards_[shard];
  const int64_t now = clock_.WallMillis() - epoch_millis_;
  absl::MutexLock lock(&state.mutex);
  const uint32_t counts = 1u << (kSequenceBits - shard_bits_);
  if (now > state.millis) {
    state.millis = now;
    state.count = 0;
  } else if (++state.count == counts) {
    ++state.millis;
    state.count = 0;
  }
  const int64_t sequence = (int64_t{state.count} << shard_bits_) | shard;
  return (state.millis << (kNodeBits + kSequenceBits)) | (int64_t{node_} << kSequenceBits) |
         sequence;
}

uint32_t SnowflakeGenerator::NodeOf(SessionId id) const {
  return static_cast<uint32_t>(id >> kSequenceBits) & kNodeIdMax;
}

uint32_t SnowflakeGenerator::ShardOf(SessionId id) const {
  const uint32_t shard = static_cast<uint32_t>(id) & ((1u << shard_bits_) - 1);
  return std::min<uint32_t>(shard, shards_.size() - 1);
}

int64_t SnowflakeGenerator::MillisOf(SessionId id) const {
  return (id >> (kNodeBits + kSequenceBits)) + epoch_millis_;
}

}  // namespace longwire
