#pragma once

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
};

// One subscriber's place in the log. Catching up and following live are the same calls. One thread
// at a time.
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
    uint64_t covered = 0;       // All wanted events up to here have been read.
    uint64_t head = 0;
  };

  // Reads on: at most `bytes_max` of framed events or one event. Returns false when there was
  // nothing behind the reader's place; the chunk then has only covered and head. A chunk without
  // events but with progress (all were filtered out) is told by true.
  bool Read(size_t bytes_max, Chunk& chunk);

  // Events of shard s up to positions[s] are passed over from now on: the subscriber knows their
  // outcome from a snapshot.
  void SkipUpTo(std::vector<uint64_t> positions_by_shard) {
    skip_up_to_ = std::move(positions_by_shard);
  }

  // Reads from `next` on from now.
  void JumpTo(uint64_t next) { next_ = next; }
  // The sequence that is read next.
  uint64_t next() const { return next_; }

 private:
  bool IsWanted(const EventTraits& traits, uint64_t sequence) const;
  // Takes what fits from the slice; returns false when the chunk is full.
  bool Take(const EventLog::Slice& slice, size_t bytes_max, Chunk& chunk);

  const EventLog& log_;
  const EventFilter filter_;
  uint64_t next_;
  std::vector<uint64_t> skip_up_to_;
};

}  // namespace longwire
