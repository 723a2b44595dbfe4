#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"
#include "server/base/limits.h"

namespace longwire {

// What the log knows of an event without parsing it: enough to filter a stream.
struct EventTraits {
  uint8_t type = 0;     // longwire.v1.EventType
  bool silent = false;  // The LEAVE of a silent Kick.
  uint8_t shard = 0;    // The hub shard that wrote it.
};

// Events that one shard has gathered in a turn, encoded but for their sequence, which the log gives
// them. One thread at a time.
class EventBatch {
 public:
  struct Item {
    uint32_t bytes;
    EventTraits traits;
  };

  // The buffer to append the next event's encoding to (a longwire.v1.Event without field 1).
  std::string& bytes() { return bytes_; }
  // Ends the event that began where the last one ended.
  void Add(EventTraits traits) {
    items_.push_back({static_cast<uint32_t>(bytes_.size() - ended_), traits});
    ended_ = bytes_.size();
  }

  bool empty() const { return items_.empty(); }
  const std::vector<Item>& items() const { return items_; }
  std::string_view encoded() const { return bytes_; }
  // Keeps the memory, unless a burst has made it large.
  void Clear() {
    bytes_.clear();
    items_.clear();
    ended_ = 0;
    // A swap, since a string that is assigned to keeps what it has.
    if (bytes_.capacity() > 2 * kEventBatchBytesMax) {
      std::string().swap(bytes_);
      std::vector<Item>().swap(items_);
    }
  }

 private:
  std::string bytes_;
  std::vector<Item> items_;
  size_t ended_ = 0;
};

// The ordered, bounded, retained sequence of events, in memory. Sequences start at 1 and have no
// holes. Any thread.
//
// Events lie one behind the other in segments, each already framed as an element of
// SubscribeEventsResponse.events, so a response to a subscriber is made by copying ranges.
// Retention drops whole segments, oldest first.
class EventLog {
 public:
  class Segment;

  // `bytes_max` bounds what the segments occupy; the newest segment is kept whatever its size.
  // An event is retained for `age_max_millis` and at most a sixteenth of it longer.
  EventLog(std::string log_id, size_t bytes_max, int64_t age_max_millis, const Clock& clock);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Called after each Append, on the appending thread and under no lock; must be quick.
  // REQUIRES: set before the first Append.
  void SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

  // Appends the batch's events in order and makes them visible together. Returns the sequence of
  // the last. REQUIRES: a batch that is not empty.
  uint64_t Append(const EventBatch& batch);

  // Drops what is older than the retained age.
  void TrimAge();

  // A run of events that stand in one segment; they stay readable while the Slice lives, also when
  // retention has dropped them.
  struct Slice {
    std::shared_ptr<const Segment> segment;  // Null when there is nothing at `from`.
    size_t begin = 0;                        // Indexes of events in the segment.
    size_t end = 0;
    uint64_t first_retained = 0;  // The smallest sequence that the log still has; head + 1 if none.
    uint64_t head = 0;            // The last sequence given; 0 before the first.
  };
  // What can be read at `from`: the rest of that event's segment. When `from` is no longer
  // retained, or is beyond the head, the slice is empty and the caller compares it with the two
  // bounds.
  Slice Read(uint64_t from) const;

  uint64_t head() const;
  // Names this log: a cursor with another log_id is not of this one.
  const std::string& log_id() const { return log_id_; }

  struct Stats {
    uint64_t first_retained;
    uint64_t head;
    size_t bytes;
  };
  Stats stats() const;

 private:
  Segment& SegmentFor(size_t bytes, int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slice BoundsOnly() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const std::string log_id_;
  const size_t bytes_max_;
  const int64_t age_max_millis_;
  const size_t segment_bytes_;
  const Clock& clock_;
  absl::AnyInvocable<void()> listener_;

  mutable absl::Mutex mutex_;
  std::deque<std::shared_ptr<Segment>> segments_ ABSL_GUARDED_BY(mutex_);
  // Freed after the lock is let go: giving back a megabyte takes the kernel a while.
  std::vector<std::shared_ptr<Segment>> dropped_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t head_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A block of framed events. What a Slice names of it never changes again; behind that the log goes
// on appending.
class EventLog::Segment {
 public:
  struct Entry {
    uint32_t offset;
    EventTraits traits;
  };

  Segment(uint64_t first_sequence, size_t bytes_max);

  uint64_t first_sequence() const { return first_sequence_; }
  // REQUIRES: index below the `end` of a Slice of this segment.
  const Entry& entry(size_t index) const { return entries_[index]; }
  // The framed bytes of the events [begin, end).
  std::string_view Framed(size_t begin, size_t end) const {
    return {bytes_.get() + entries_[begin].offset, entries_[end].offset - entries_[begin].offset};
  }

 private:
  friend class EventLog;

  bool HasRoomFor(size_t body_bytes) const;
  void Append(std::string_view body, EventTraits traits);
  size_t footprint() const { return bytes_max_ + entries_max_ * sizeof(Entry); }
  uint64_t end_sequence() const { return first_sequence_ + count_; }

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
