#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "server/core/partition.h"

namespace longwire {

// The events that one subscription was sent and has not acknowledged. Pure bookkeeping; one thread.
//
// It remembers them in the order of delivery, which is not always that of the sequences: a
// partition that came over from another member brings older ones. Within a partition the sequences
// grow.
class AckLedger {
 public:
  // An event is about to be sent. One that awaits its acknowledgement already goes on doing so.
  // REQUIRES: it is behind those of its partition.
  void Sent(uint64_t sequence, PartitionNumber partition, int64_t now_millis);

  // Whether the event is remembered. One that is not was never sent, or was acknowledged, as all
  // before it were.
  bool Knows(uint64_t sequence) const { return ordinals_.contains(sequence); }

  // Acknowledges one event, or it and all that were sent before it. Nothing happens for an event
  // that is not known or is acknowledged already.
  void Ack(uint64_t sequence, int64_t now_millis);
  void AckUpTo(uint64_t sequence, int64_t now_millis);

  // Events that await their acknowledgement.
  size_t unacked() const { return unacked_; }
  // Events that are remembered: behind the oldest unacknowledged one also those that are not.
  size_t span() const { return entries_.size(); }

  // The smallest unacknowledged sequence of the partition.
  std::optional<uint64_t> FirstUnacked(PartitionNumber partition) const;

  // Since when the event that was sent first among the unacknowledged has been just that. A
  // subscriber that goes on acknowledging in the order of delivery moves it on, however much it was
  // sent. REQUIRES: unacked() > 0.
  int64_t oldest_since_millis() const { return oldest_since_millis_; }

 private:
  struct Entry {
    uint64_t sequence;
    PartitionNumber partition;
    bool is_acked = false;
  };

  Entry& At(uint64_t ordinal) { return entries_[ordinal - first_ordinal_]; }
  const Entry& At(uint64_t ordinal) const { return entries_[ordinal - first_ordinal_]; }
  void Mark(Entry& entry);
  // Forgets what is acknowledged at the front.
  void Trim(int64_t now_millis);

  std::deque<Entry> entries_;  // In the order of delivery; the first is unacknowledged.
  uint64_t first_ordinal_ = 0;
  absl::flat_hash_map<uint64_t, uint64_t> ordinals_;  // By sequence: places in entries_.
  // By partition: ordinals of what was sent of it, the first of them unacknowledged. No empty ones.
  absl::flat_hash_map<PartitionNumber, std::deque<uint64_t>> by_partition_;
  size_t unacked_ = 0;
  int64_t oldest_since_millis_ = 0;
};

}  // namespace longwire
