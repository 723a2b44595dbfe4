#include "server/engine/event_log.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

using google::protobuf::io::CodedOutputStream;

// Tag of SubscribeEventsResponse.events (3) and of Event.sequence (1), as they stand on the wire.
constexpr char kEventsTag = (3 << 3) | 2;
constexpr char kSequenceTag = (1 << 3) | 0;
// Both tags, a length of at most 5 bytes and a sequence of at most 10.
constexpr size_t kFramingBytesMax = 1 + 5 + 1 + 10;
// An event takes this much or more, so the entries never run out long before the bytes do.
constexpr size_t kEventBytesTypical = 64;
constexpr size_t kSegmentBytesMin = 16 * 1024;
constexpr size_t kSegmentsTypical = 16;

uint8_t* WriteByte(char byte, uint8_t* out) {
  *out = static_cast<uint8_t>(byte);
  return out + 1;
}

}  // namespace

EventLog::Segment::Segment(uint64_t first_sequence, size_t bytes_max)
    : first_sequence_(first_sequence),
      bytes_max_(bytes_max),
      entries_max_(bytes_max / kEventBytesTypical + 1),
      bytes_(new char[bytes_max]),
      entries_(new Entry[entries_max_ + 1]) {
  entries_[0].offset = 0;
}

bool EventLog::Segment::HasRoomFor(size_t body_bytes) const {
  return count_ < entries_max_ &&
         entries_[count_].offset + kFramingBytesMax + body_bytes <= bytes_max_;
}

void EventLog::Segment::Append(std::string_view body, EventTraits traits) {
  const uint64_t sequence = end_sequence();
  const uint32_t offset = entries_[count_].offset;
  const size_t event_bytes = 1 + CodedOutputStream::VarintSize64(sequence) + body.size();
  uint8_t* const start = reinterpret_cast<uint8_t*>(bytes_.get()) + offset;
  uint8_t* out = WriteByte(kEventsTag, start);
  out = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(event_bytes), out);
  out = WriteByte(kSequenceTag, out);
  out = CodedOutputStream::WriteVarint64ToArray(sequence, out);
  std::memcpy(out, body.data(), body.size());
  out += body.size();
  entries_[count_].traits = traits;
  ++count_;
  entries_[count_].offset = offset + static_cast<uint32_t>(out - start);
}

EventLog::EventLog(std::string log_id, size_t bytes_max, int64_t age_max_millis, const Clock& clock)
    : log_id_(std::move(log_id)),
      bytes_max_(bytes_max),
      age_max_millis_(age_max_millis),
      segment_bytes_(
          std::clamp(bytes_max / kSegmentsTypical, kSegmentBytesMin, kLogSegmentBytesMax)),
      clock_(clock) {}

EventLog::~EventLog() = default;

EventLog::Segment& EventLog::SegmentFor(size_t body_bytes, int64_t now) {
  // A segment goes as a whole, so in a quiet log one must not go on for as long as it has room.
  if (!segments_.empty() && segments_.back()->HasRoomFor(body_bytes) &&
      now - segments_.back()->first_append_millis_ <= age_max_millis_ / int64_t{kSegmentsTypical}) {
    return *segments_.back();
  }
  auto segment =
      std::make_shared<Segment>(head_ + 1, std::max(segment_bytes_, body_bytes + kFramingBytesMax));
  segment->first_append_millis_ = now;
  bytes_ += segment->footprint();
  while (bytes_ > bytes_max_ && !segments_.empty()) DropOldest();
  segments_.push_back(std::move(segment));
  return *segments_.back();
}

void EventLog::DropOldest() {
  bytes_ -= segments_.front()->footprint();
  dropped_.push_back(std::move(segments_.front()));
  segments_.pop_front();
}

uint64_t EventLog::Append(const EventBatch& batch) {
  LONGWIRE_CHECK(!batch.empty(), "an empty batch");
  std::vector<std::shared_ptr<Segment>> dropped;
  uint64_t last;
  {
    absl::MutexLock lock(&mutex_);
    const int64_t now = clock_.SteadyMillis();
    std::string_view rest = batch.encoded();
    for (const EventBatch::Item& item : batch.items()) {
      Segment& segment = SegmentFor(item.bytes, now);
      segment.Append(rest.substr(0, item.bytes), item.traits);
      segment.last_append_millis_ = now;
      rest.remove_prefix(item.bytes);
      ++head_;
    }
    last = head_;
    dropped.swap(dropped_);
  }
  if (listener_) listener_();
  return last;
}

void EventLog::TrimAge() {
  std::vector<std::shared_ptr<Segment>> dropped;
  absl::MutexLock lock(&mutex_);
  const int64_t oldest = clock_.SteadyMillis() - age_max_millis_;
  while (!segments_.empty() && segments_.front()->last_append_millis_ < oldest) DropOldest();
  dropped.swap(dropped_);
}

EventLog::Slice EventLog::BoundsOnly() const {
  Slice slice;
  slice.head = head_;
  slice.first_retained = segments_.empty() ? head_ + 1 : segments_.front()->first_sequence();
  return slice;
}

EventLog::Slice EventLog::Read(uint64_t from) const {
  absl::MutexLock lock(&mutex_);
  Slice slice = BoundsOnly();
  if (from < slice.first_retained || from > head_) return slice;
  auto after = std::upper_bound(
      segments_.begin(), segments_.end(), from,
      [](uint64_t sequence, const auto& segment) { return sequence < segment->first_sequence(); });
  slice.segment = *std::prev(after);
  slice.begin = from - slice.segment->first_sequence();
  slice.end = slice.segment->count_;
  return slice;
}

uint64_t EventLog::head() const {
  absl::MutexLock lock(&mutex_);
  return head_;
}

EventLog::Stats EventLog::stats() const {
  absl::MutexLock lock(&mutex_);
  const Slice bounds = BoundsOnly();
  return {bounds.first_retained, bounds.head, bytes_};
}

}  // namespace longwire
