#include "server/events/event_feed.h"

#include <fmt/format.h>

#include <algorithm>

namespace longwire {
namespace {

// What may be remembered behind an event that is not acknowledged: in windows, but for large ones.
constexpr size_t kSpanWindowsMax = 8;
constexpr size_t kSpanMax = 10'000;

Refusal NotSent(uint64_t sequence) {
  return {Reason::kAckInvalid, fmt::format("event {} was not sent to this subscription", sequence)};
}

}  // namespace

EventFeed::EventFeed(const EventLog& log, const Options& options, uint64_t next)
    : log_(log),
      options_(options),
      reader_(log, options.filter, next),
      fed_(std::max<size_t>(options.partitions, 1)) {
  if (options.partitions > 0) {
    reader_.ReadOnlyAdded(options.partitions);
  } else {
    fed_[0].first = next;
  }
  if (options.partitions > 0 || options.manual_ack) reader_.NoteTaken();
}

void EventFeed::JumpTo(uint64_t next) {
  reader_.JumpTo(next);
  fed_[0].first = next;
}

bool EventFeed::HasWindow() const {
  if (is_held_) return false;
  if (!options_.manual_ack) return true;
  const size_t window = options_.unacked_events_max;
  return ledger_.unacked() < window &&
         ledger_.span() < std::max(window, std::min(kSpanWindowsMax * window, kSpanMax));
}

bool EventFeed::Read(size_t bytes_max, int64_t now_millis, Chunk& chunk) {
  chunk.is_restart_gap = restart_ == Restart::kUntold;
  if (chunk.is_restart_gap || !HasWindow()) {
    chunk.gap.reset();
    chunk.framed_events.clear();
    chunk.taken.clear();
    chunk.covered = reader_.next() - 1;
    chunk.head = log_.head();
    if (!chunk.is_restart_gap) return false;
    restart_ = Restart::kTelling;
    is_writing_ = true;
    writing_since_millis_ = now_millis;
    return true;
  }
  const size_t window =
      options_.manual_ack ? options_.unacked_events_max - ledger_.unacked() : SIZE_MAX;
  const bool has_read = reader_.Read(bytes_max, window, chunk);
  if (!chunk.has_content()) return has_read;
  if (chunk.gap) NoteGap(*chunk.gap);
  is_writing_ = true;
  writing_since_millis_ = now_millis;
  if (options_.manual_ack) {
    for (const auto& [sequence, partition] : chunk.taken) {
      ledger_.Sent(sequence, partition, now_millis);
    }
  } else {
    writing_.swap(chunk.taken);
  }
  return true;
}

void EventFeed::NoteGap(const EventReader::Gap& gap) {
  for (size_t i = 0; i < options_.partitions; ++i) {
    const auto partition = static_cast<PartitionNumber>(i);
    if (!reader_.Reads(partition)) continue;
    const uint64_t from = std::max(reader_.FromOf(partition), gap.first_missing);
    if (from < gap.next_available) untold_gaps_.emplace_back(partition, from);
  }
}

std::optional<uint64_t> EventFeed::UntoldGap(PartitionNumber partition) const {
  for (const auto& [of_partition, from] : untold_gaps_) {
    if (of_partition == partition) return from;
  }
  return std::nullopt;
}

void EventFeed::Written(bool ok) {
  // What could not be written stays undone: the subscription ends, and somebody else gets it.
  if (!is_writing_ || !ok) return;
  is_writing_ = false;
  writing_.clear();
  untold_gaps_.clear();
  if (restart_ == Restart::kTelling) restart_ = Restart::kTold;
}

std::optional<Refusal> EventFeed::Acknowledge(const v1::AckEventsRequest& request,
                                              int64_t now_millis) {
  if (!options_.manual_ack) {
    return Refusal{Reason::kAckInvalid, "this subscription has no manual_ack"};
  }
  // So many it was never sent at once; looking each up would take long.
  if (static_cast<size_t>(request.sequences_size()) >
      std::max(kSpanMax, kSpanWindowsMax * options_.unacked_events_max)) {
    return Refusal{Reason::kAckInvalid,
                   fmt::format("{} sequences are more than can await their acknowledgement",
                               request.sequences_size())};
  }
  for (const uint64_t sequence : request.sequences()) {
    if (!ledger_.Knows(sequence) && !WasSent(sequence)) return NotSent(sequence);
  }
  const uint64_t up_to = request.up_to();
  if (up_to != 0 && !ledger_.Knows(up_to) && !WasSent(up_to)) return NotSent(up_to);
  for (const uint64_t sequence : request.sequences()) ledger_.Ack(sequence, now_millis);
  ledger_.AckUpTo(up_to, now_millis);
  return std::nullopt;
}

bool EventFeed::WasSent(uint64_t sequence) const {
  const EventLog::Slice slice = log_.Read(sequence);
  if (slice.segment == nullptr) {
    // Nobody knows any more whose it was; acknowledging it again is harmless.
    return sequence != 0 && sequence < slice.first_retained;
  }
  if (slice.segment->sequence(slice.begin) != sequence) return false;
  const EventTraits& traits = slice.segment->traits(slice.begin);
  if (!options_.filter.Wants(traits)) return false;
  const bool is_member = options_.partitions > 0;
  return fed_[is_member ? traits.partition : 0].first <= sequence &&
         sequence < NextOf(traits.partition);
}

bool EventFeed::IsDoneUpTo(uint64_t sequence) const {
  const bool has_read = !reader_.ReadsAny() || reader_.next() > sequence;
  return !is_held_ && has_read && !is_writing_ && ledger_.unacked() == 0;
}

bool EventFeed::IsOverdue(int64_t now_millis) const {
  if (options_.manual_ack && ledger_.unacked() > 0) {
    return now_millis - ledger_.oldest_since_millis() >= options_.ack_timeout_millis;
  }
  return is_writing_ && now_millis - writing_since_millis_ >= options_.ack_timeout_millis;
}

void EventFeed::AddPartition(PartitionNumber partition, uint64_t from, bool is_restart_untold) {
  reader_.AddPartition(partition, from);
  auto& [first, second] = fed_[partition];
  if (second == 0 || from < first) first = from;
  if (is_restart_untold && restart_ == Restart::kNone) restart_ = Restart::kUntold;
}

void EventFeed::RemovePartition(PartitionNumber partition) {
  fed_[partition].second = reader_.RemovePartition(partition);
}

uint64_t EventFeed::NextOf(PartitionNumber partition) const {
  return reader_.Reads(partition) ? reader_.NextOf(partition) : fed_[partition].second;
}

bool EventFeed::IsSettled(PartitionNumber partition) const {
  if (UntoldGap(partition)) return false;
  if (options_.manual_ack) return !ledger_.FirstUnacked(partition);
  return std::none_of(writing_.begin(), writing_.end(),
                      [&](const auto& taken) { return taken.partition == partition; });
}

uint64_t EventFeed::DoneUpTo(PartitionNumber partition) const {
  uint64_t first_undone = NextOf(partition);
  if (const auto first = ledger_.FirstUnacked(partition)) first_undone = *first;
  for (const auto& [sequence, of_partition] : writing_) {
    if (of_partition != partition) continue;
    first_undone = sequence;
    break;
  }
  return std::min(first_undone, UntoldGap(partition).value_or(UINT64_MAX)) - 1;
}

}  // namespace longwire
