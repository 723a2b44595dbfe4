#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "server/engine/event_batch.h"

namespace longwire {

class EventSegment;

// The ordered, bounded, retained sequence of events that all nodes of a cluster share. Sequences
// grow, from 1 at the least, and may have holes. Retention drops the oldest. Any thread.
class EventLog {
 public:
  virtual ~EventLog() = default;

  // Appends the batch's events in order. `stored`, if given, is called once when they are in the
  // log for good and every reader sees them: before Append returns, or later and on any thread; it
  // must be quick. What may become known only behind these events waits for it. REQUIRES: a batch
  // that is not empty; it is read before Append returns.
  using Stored = absl::AnyInvocable<void()>;
  virtual void Append(const EventBatch& batch, Stored stored) = 0;
  void Append(const EventBatch& batch) { Append(batch, nullptr); }

  // A run of events; they stay readable while the Slice lives, also when retention has dropped
  // them.
  struct Slice {
    std::shared_ptr<const EventSegment> segment;  // Null when there is nothing to read.
    size_t begin = 0;                             // Indexes of events in the segment.
    size_t end = 0;
    uint64_t first_retained = 0;  // The smallest sequence that the log still has; head + 1 if none.
    uint64_t head = 0;            // The last sequence given; 0 before the first.
  };
  // What can be read from the first event at or behind `from` on. When `from` is no longer
  // retained, or is beyond the head, the slice is empty and the caller compares it with the two
  // bounds.
  virtual Slice Read(uint64_t from) const = 0;

  virtual uint64_t head() const = 0;
  // Names this log: a cursor with another log_id is not of this one.
  virtual const std::string& log_id() const = 0;

  struct Stats {
    uint64_t first_retained;
    uint64_t head;
    size_t bytes;
  };
  virtual Stats stats() const = 0;
};

// A block of events, each framed as an element of SubscribeEventsResponse.events, so a response to
// a subscriber is made by copying ranges. What a Slice names of it never changes again; behind that
// its log goes on appending.
class EventSegment {
 public:
  struct Entry {
    uint32_t offset;
    EventTraits traits;
  };

  // For the log: room for events of `bytes_max` bytes, the first of which has this sequence.
  EventSegment(uint64_t first_sequence, size_t bytes_max);
  bool HasRoomFor(size_t body_bytes) const;
  // REQUIRES: HasRoomFor(body.size()).
  void Append(std::string_view body, EventTraits traits, int64_t now_millis);
  // What it occupies, however full it is.
  size_t footprint() const { return bytes_max_ + entries_max_ * sizeof(Entry); }
  size_t count() const { return count_; }
  uint64_t first_sequence() const { return first_sequence_; }
  int64_t first_append_millis() const { return first_append_millis_; }
  int64_t last_append_millis() const { return last_append_millis_; }
  // The most bytes that framing adds to an event.
  static constexpr size_t kFramingBytesMax = 1 + 5 + 1 + 10;

  // For readers. REQUIRES: indexes within a Slice of this segment.
  uint64_t sequence(size_t index) const { return first_sequence_ + index; }
  const EventTraits& traits(size_t index) const { return entries_[index].traits; }
  // The framed bytes of the events [begin, end).
  std::string_view Framed(size_t begin, size_t end) const {
    return {bytes_.get() + entries_[begin].offset, entries_[end].offset - entries_[begin].offset};
  }

 private:
  const uint64_t first_sequence_;
  const size_t bytes_max_;
  const size_t entries_max_;
  size_t count_ = 0;
  int64_t first_append_millis_ = 0;
  int64_t last_append_millis_ = 0;
  // Not initialised: the kernel gives pages as they are written. Readers go by what a Slice says.
  std::unique_ptr<char[]> bytes_;
  std::unique_ptr<Entry[]> entries_;  // One more than events: the last one's end.
};

}  // namespace longwire
