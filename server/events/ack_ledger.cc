#include "server/events/ack_ledger.h"

namespace longwire {

void AckLedger::Sent(uint64_t sequence, PartitionNumber partition, int64_t now_millis) {
  const uint64_t ordinal = first_ordinal_ + entries_.size();
  if (!ordinals_.emplace(sequence, ordinal).second) return;
  if (entries_.empty()) oldest_since_millis_ = now_millis;
  entries_.push_back({.sequence = sequence, .partition = partition});
  by_partition_[partition].push_back(ordinal);
  ++unacked_;
}

void AckLedger::Mark(Entry& entry) {
  if (entry.is_acked) return;
  entry.is_acked = true;
  --unacked_;
  const auto found = by_partition_.find(entry.partition);
  std::deque<uint64_t>& ordinals = found->second;
  while (!ordinals.empty() && At(ordinals.front()).is_acked) ordinals.pop_front();
  if (ordinals.empty()) by_partition_.erase(found);
}

void AckLedger::Trim(int64_t now_millis) {
  const uint64_t before = first_ordinal_;
  while (!entries_.empty() && entries_.front().is_acked) {
    ordinals_.erase(entries_.front().sequence);
    entries_.pop_front();
    ++first_ordinal_;
  }
  if (first_ordinal_ != before) oldest_since_millis_ = now_millis;
}

void AckLedger::Ack(uint64_t sequence, int64_t now_millis) {
  const auto found = ordinals_.find(sequence);
  if (found == ordinals_.end()) return;
  Mark(At(found->second));
  Trim(now_millis);
}

void AckLedger::AckUpTo(uint64_t sequence, int64_t now_millis) {
  const auto found = ordinals_.find(sequence);
  if (found == ordinals_.end()) return;
  const uint64_t last = found->second;
  for (uint64_t ordinal = first_ordinal_; ordinal <= last; ++ordinal) Mark(At(ordinal));
  Trim(now_millis);
}

std::optional<uint64_t> AckLedger::FirstUnacked(PartitionNumber partition) const {
  const auto found = by_partition_.find(partition);
  if (found == by_partition_.end()) return std::nullopt;
  return At(found->second.front()).sequence;
}

}  // namespace longwire
