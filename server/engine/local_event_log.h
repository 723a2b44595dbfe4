#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"
#include "server/engine/event_log.h"

namespace longwire {

// The event log of a single node, in memory. Sequences start at 1 and have no holes; an event is
// stored when Append returns. Retention drops whole segments, oldest first.
class LocalEventLog final : public EventLog {
 public:
  // `bytes_max` bounds what the segments occupy; the newest segment is kept whatever its size.
  // An event is retained for `age_max_millis` and at most a sixteenth of it longer.
  LocalEventLog(std::string log_id, size_t bytes_max, int64_t age_max_millis, const Clock& clock);
  LocalEventLog(const LocalEventLog&) = delete;
  LocalEventLog& operator=(const LocalEventLog&) = delete;

  // Called after each Append, on the appending thread and under no lock; must be quick.
  // REQUIRES: set before the first Append.
  void SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

  // Drops what is older than the retained age.
  void TrimAge();

  // EventLog
  using EventLog::Append;
  void Append(const EventBatch& batch, Stored stored) override;
  Slice Read(uint64_t from) const override;
  uint64_t head() const override;
  const std::string& log_id() const override { return log_id_; }
  Stats stats() const override;

 private:
  EventSegment& SegmentFor(size_t bytes, int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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
  std::deque<std::shared_ptr<EventSegment>> segments_ ABSL_GUARDED_BY(mutex_);
  // Freed after the lock is let go: giving back a megabyte takes the kernel a while.
  std::vector<std::shared_ptr<EventSegment>> dropped_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t head_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace longwire
