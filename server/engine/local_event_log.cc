#include "server/engine/local_event_log.h"

#include <algorithm>
#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

constexpr size_t kSegmentBytesMin = 16 * 1024;
constexpr size_t kSegmentsTypical = 16;

}  // namespace

LocalEventLog::LocalEventLog(std::string log_id, size_t bytes_max, int64_t age_max_millis,
                             const Clock& clock)
    : log_id_(std::move(log_id)),
      bytes_max_(bytes_max),
      age_max_millis_(age_max_millis),
      segment_bytes_(
          std::clamp(bytes_max / kSegmentsTypical, kSegmentBytesMin, kLogSegmentBytesMax)),
      clock_(clock) {}

EventSegment& LocalEventLog::SegmentFor(size_t body_bytes, int64_t now) {
  // A segment goes as a whole, so in a quiet log one must not go on for as long as it has room.
  if (!segments_.empty() && segments_.back()->HasRoomFor(body_bytes) &&
      now - segments_.back()->first_append_millis() <=
          age_max_millis_ / int64_t{kSegmentsTypical}) {
    return *segments_.back();
  }
  auto segment = std::make_shared<EventSegment>(
      head_ + 1, std::max(segment_bytes_, body_bytes + EventSegment::kFramingBytesMax));
  bytes_ += segment->footprint();
  while (bytes_ > bytes_max_ && !segments_.empty()) DropOldest();
  segments_.push_back(std::move(segment));
  return *segments_.back();
}

void LocalEventLog::DropOldest() {
  bytes_ -= segments_.front()->footprint();
  dropped_.push_back(std::move(segments_.front()));
  segments_.pop_front();
}

void LocalEventLog::Append(const EventBatch& batch, Stored stored) {
  LONGWIRE_CHECK(!batch.empty(), "an empty batch");
  std::vector<std::shared_ptr<EventSegment>> dropped;
  {
    absl::MutexLock lock(&mutex_);
    const int64_t now = clock_.SteadyMillis();
    std::string_view rest = batch.encoded();
    for (const EventBatch::Item& item : batch.items()) {
      EventSegment& segment = SegmentFor(item.bytes, now);
      segment.Append(rest.substr(0, item.bytes), item.traits, now);
      rest.remove_prefix(item.bytes);
      ++head_;
    }
    dropped.swap(dropped_);
  }
  if (listener_) listener_();
  if (stored) stored();
}

void LocalEventLog::TrimAge() {
  std::vector<std::shared_ptr<EventSegment>> dropped;
  absl::MutexLock lock(&mutex_);
  const int64_t oldest = clock_.SteadyMillis() - age_max_millis_;
  while (!segments_.empty() && segments_.front()->last_append_millis() < oldest) DropOldest();
  dropped.swap(dropped_);
}

EventLog::Slice LocalEventLog::BoundsOnly() const {
  Slice slice;
  slice.head = head_;
  slice.first_retained = segments_.empty() ? head_ + 1 : segments_.front()->first_sequence();
  return slice;
}

EventLog::Slice LocalEventLog::Read(uint64_t from) const {
  absl::MutexLock lock(&mutex_);
  Slice slice = BoundsOnly();
  if (from < slice.first_retained || from > head_) return slice;
  auto after = std::upper_bound(
      segments_.begin(), segments_.end(), from,
      [](uint64_t sequence, const auto& segment) { return sequence < segment->first_sequence(); });
  slice.segment = *std::prev(after);
  slice.begin = from - slice.segment->first_sequence();
  slice.end = slice.segment->count();
  return slice;
}

uint64_t LocalEventLog::head() const {
  absl::MutexLock lock(&mutex_);
  return head_;
}

EventLog::Stats LocalEventLog::stats() const {
  absl::MutexLock lock(&mutex_);
  const Slice bounds = BoundsOnly();
  return {bounds.first_retained, bounds.head, bytes_};
}

}  // namespace longwire
