#include "ack_log.h"

namespace longwire::client::internal {

void AckLog::Reset(int64_t subscription_id) {
  *this = {};
  subscription_id_ = subscription_id;
}

void AckLog::Sent(uint64_t sequence) {
  ordinals_[sequence] = first_ordinal_ + entries_.size();
  entries_.push_back({.sequence = sequence});
}

void AckLog::Done(int64_t subscription_id, uint64_t sequence) {
  if (subscription_id != subscription_id_) return;
  const auto found = ordinals_.find(sequence);
  if (found == ordinals_.end()) return;
  Entry& entry = At(found->second);
  if (entry.state != State::kSent) return;
  entry.state = State::kDone;
  ++done_;
}

AckLog::Ack AckLog::Take() {
  Ack ack;
  bool has_hole = false;
  for (Entry& entry : entries_) {
    if (entry.state == State::kSent) has_hole = true;
    if (entry.state != State::kDone) continue;
    if (has_hole) {
      ack.sequences.push_back(entry.sequence);
    } else {
      ack.up_to = entry.sequence;
    }
    entry.state = State::kTaken;
    ++taken_;
  }
  return ack;
}

void AckLog::Settled(const Ack& ack, bool has_arrived) {
  if (ack.empty()) return;
  for (Entry& entry : entries_) {
    if (entry.state != State::kTaken) continue;
    entry.state = has_arrived ? State::kAcked : State::kDone;
    if (has_arrived) {
      ++acked_;
    } else {
      --taken_;
    }
  }
  while (!entries_.empty() && entries_.front().state == State::kAcked) {
    ordinals_.erase(entries_.front().sequence);
    entries_.pop_front();
    ++first_ordinal_;
    --acked_;
  }
}

}  // namespace longwire::client::internal
