#include "server/events/event_reader.h"

#include <algorithm>

#include "server/base/limits.h"

namespace longwire {

bool EventReader::IsWanted(const EventTraits& traits, uint64_t sequence) const {
  if ((filter_.types >> traits.type & 1) == 0) return false;
  if (traits.silent && !filter_.include_silent) return false;
  return skip_up_to_.empty() || sequence > skip_up_to_[traits.shard];
}

bool EventReader::Take(const EventLog::Slice& slice, size_t bytes_max, Chunk& chunk) {
  const EventSegment& segment = *slice.segment;
  size_t at = slice.begin;
  bool has_room = true;
  while (at < slice.end && has_room) {
    // Wanted events in a row are copied as one range.
    size_t end = at;
    while (end < slice.end && IsWanted(segment.traits(end), segment.sequence(end))) {
      const size_t bytes = chunk.framed_events.size() + segment.Framed(at, end + 1).size();
      const bool is_first = chunk.framed_events.empty() && end == at;
      if (bytes > bytes_max && !is_first) {
        has_room = false;
        break;
      }
      ++end;
    }
    chunk.framed_events.append(segment.Framed(at, end));
    at = end;
    if (has_room && at < slice.end) ++at;  // The one that was not wanted.
  }
  next_ = at < slice.end ? segment.sequence(at) : segment.sequence(at - 1) + 1;
  return has_room;
}

bool EventReader::Read(size_t bytes_max, Chunk& chunk) {
  chunk.gap.reset();
  chunk.framed_events.clear();
  const uint64_t began_at = next_;
  EventLog::Slice slice;
  do {
    slice = log_.Read(next_);
    if (next_ < slice.first_retained) {
      // A gap is told before events, so what has been gathered goes out first.
      if (!chunk.framed_events.empty()) break;
      const uint64_t first_missing = chunk.gap ? chunk.gap->first_missing : next_;
      chunk.gap = Gap{first_missing, slice.first_retained};
      next_ = slice.first_retained;
      continue;
    }
    if (slice.segment == nullptr) break;
    if (!Take(slice, bytes_max, chunk)) break;
  } while (next_ <= slice.head && next_ - began_at < kEventsScannedPerReadMax);
  chunk.covered = next_ - 1;
  chunk.head = slice.head;
  return next_ != began_at;
}

}  // namespace longwire
