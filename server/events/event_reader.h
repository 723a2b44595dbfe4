#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/engine/event_log.h"

namespace longwire {

// Which events a subscriber wants.
struct EventFilter {
  uint8_t types = 0;  // Bit t stands for the EventType with number t.
  bool include_silent = false;

  static constexpr uint8_t kAllTypes = 0b1110;

  bool Wants(const EventTraits& traits) const {
    return (types >> traits.type & 1) != 0 && (!traits.silent || include_silent);
  }
};

// One subscriber's place in the log: it reads the whole log, or some partitions of it, from a
// position. Catching up and following live are the same calls. One thread at a time.
class EventReader {
 public:
  // Reads from the event with sequence `next` on.
  EventReader(const EventLog& log, EventFilter filter, uint64_t next)
      : log_(log), filter_(filter), next_(next) {}

  struct Gap {
    uint64_t first_missing;
    uint64_t next_available;
  };
  // What one response to the subscriber is made of.
  struct Chunk {
    // Stands before the events: retention has dropped what was to be read next.
    std::optional<Gap> gap;
    std::string framed_events;  // Elements of SubscribeEventsResponse.events, ready to send.
    struct Taken {
      uint64_t sequence;
      PartitionNumber partition;
    };
    std::vector<Taken> taken;  // The same events, one by one; only if they are noted.
    uint64_t covered = 0;      // All wanted events up to here have been read.
    uint64_t head = 0;
  };

  // Has the events of each chunk noted one by one, for who keeps account of them.
  void NoteTaken() { notes_taken_ = true; }

  // Reads on: at most `events_max` events, and `bytes_max` of framed events or one event. Returns
  // false when there was nothing behind the reader's place; the chunk then has only covered and
  // head. A chunk without events but with progress (all were filtered out) is told by true.
  bool Read(size_t bytes_max, size_t events_max, Chunk& chunk);
  bool Read(size_t bytes_max, Chunk& chunk) { return Read(bytes_max, SIZE_MAX, chunk); }

  // Events of shard s up to positions[s] are passed over from now on: the subscriber knows their
  // outcome from a snapshot.
  void SkipUpTo(std::vector<uint64_t> positions_by_shard) {
    skip_up_to_ = std::move(positions_by_shard);
  }

  // Reads from `next` on from now.
  void JumpTo(uint64_t next) { next_ = next; }

  // From now on only partitions that are added are read, of this many: none at first.
  void ReadOnlyAdded(uint32_t partitions) { from_by_partition_.assign(partitions, kNotRead); }
  // Reads a partition from this event on, which may lie behind what was read of others: the reader
  // then goes back, and passes over what it has given already. REQUIRES: ReadOnlyAdded.
  void AddPartition(PartitionNumber partition, uint64_t from);
  // Reads it no more. Returns the event from which it would have been read on.
  uint64_t RemovePartition(PartitionNumber partition);
  bool Reads(PartitionNumber partition) const {
    return from_by_partition_.empty() || from_by_partition_[partition] != kNotRead;
  }
  // What lies before this event was not the reader's affair, or was read before it went back.
  // REQUIRES: Reads(partition), ReadOnlyAdded.
  uint64_t FromOf(PartitionNumber partition) const { return from_by_partition_[partition]; }
  bool ReadsAny() const { return from_by_partition_.empty() || added_ > 0; }
  // All wanted events of the partition before this one have been read. REQUIRES: Reads(partition).
  uint64_t NextOf(PartitionNumber partition) const {
    return from_by_partition_.empty() ? next_ : std::max(next_, from_by_partition_[partition]);
  }
  // The sequence that is read next.
  uint64_t next() const { return next_; }

 private:
  bool IsWanted(const EventTraits& traits, uint64_t sequence) const;
  // Passes over what no partition that is read wants.
  void SkipAhead();
  // Takes what fits from the slice; returns false when the chunk is full.
  bool Take(const EventLog::Slice& slice, size_t bytes_max, size_t events_max, Chunk& chunk);

  const EventLog& log_;
  const EventFilter filter_;
  uint64_t next_;
  std::vector<uint64_t> skip_up_to_;
  // Empty = all partitions are read. What lies before `from` is not the reader's affair, or was
  // read before it went back.
  static constexpr uint64_t kNotRead = UINT64_MAX;
  std::vector<uint64_t> from_by_partition_;
  size_t added_ = 0;
  size_t taken_ = 0;  // In the chunk under way.
  bool notes_taken_ = false;
};

}  // namespace longwire
