#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"

namespace longwire {

// Positive, unique in the cluster, and larger than any that the same shard made before.
using SessionId = int64_t;

inline constexpr int kNodeBits = 10;
inline constexpr int kSequenceBits = 12;
inline constexpr int kTimeBits = 41;
inline constexpr uint32_t kNodeIdMax = (1u << kNodeBits) - 1;
// Shard numbers take the low bits of the sequence; at least 6 bits are left to count with.
inline constexpr uint32_t kShardsMax = 64;

// Makes session IDs and reads back what they carry. A user may bring another scheme; it has to keep
// the two properties above and to tell node and shard from the ID alone, for a Route finds its loop
// that way without asking anybody. Any thread may call it.
class IdGenerator {
 public:
  virtual ~IdGenerator() = default;

  // `shard` < the number of shards.
  virtual SessionId Next(uint32_t shard) = 0;
  // For any number a caller may send, also one that was never made: the answers are then
  // meaningless but in range of a comparison (the caller looks the ID up afterwards).
  virtual uint32_t NodeOf(SessionId id) const = 0;
  virtual uint32_t ShardOf(SessionId id) const = 0;
};

// 41 bits of milliseconds since the epoch, 10 bits of node, 12 bits of sequence whose low bits are
// the shard number.
//
// It never waits and never repeats: when a shard has used up a millisecond's sequence, or the clock
// has stepped back, it goes on with the millisecond after the last one it used, ahead of the clock,
// until the clock has caught up.
class SnowflakeGenerator final : public IdGenerator {
 public:
  // REQUIRES: node <= kNodeIdMax, 1 <= shards <= kShardsMax, epoch_millis (since 1970) not after
  // the clock's now, and less than 69 years before it.
  SnowflakeGenerator(const Clock& clock, int64_t epoch_millis, uint32_t node, uint32_t shards);

  SessionId Next(uint32_t shard) override;
  uint32_t NodeOf(SessionId id) const override;
  uint32_t ShardOf(SessionId id) const override;

  // When the ID was made, in milliseconds since 1970.
  int64_t MillisOf(SessionId id) const;

 private:
  struct alignas(64) ShardState {
    absl::Mutex mutex;
    // So that the first ID is positive even if the clock stands at the epoch, or before it.
    int64_t millis ABSL_GUARDED_BY(mutex) = 0;
    uint32_t count ABSL_GUARDED_BY(mutex) = 0;
  };

  const Clock& clock_;
  const int64_t epoch_millis_;
  const uint32_t node_;
  const int shard_bits_;
  std::vector<std::unique_ptr<ShardState>> shards_;
};

}  // namespace longwire
