#include "server/hub/broadcast_round.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/base/limits.h"

namespace longwire {

void BroadcastRound::Add(std::unique_ptr<BroadcastPart> part) {
  new_.push_back(std::move(part));
  if (!std::exchange(has_turn_, true)) Turn();
}

void BroadcastRound::Turn() {
  CollectNew();
  position_ = EndOfTurn();
  for (Running& running : running_) Advance(running, position_);
  FinishThrough();
  if (running_.empty()) position_ = 0;
  has_turn_ = !running_.empty() || !new_.empty();
  // Runs in the next turn: what this one has put into outboxes is sent first.
  if (has_turn_) loop_.Post([this] { Turn(); });
}

void BroadcastRound::FinishThrough() {
  const auto through = std::stable_partition(
      running_.begin(), running_.end(), [](const Running& running) { return running.left > 0; });
  std::vector<Running> finished;
  std::move(through, running_.end(), std::back_inserter(finished));
  running_.erase(through, running_.end());
  for (const Running& one : finished) one.part->Finish();
}

void BroadcastRound::CollectNew() {
  for (size_t seen = 0; !new_.empty() && seen < kBroadcastSliceSessionsMax;) {
    std::unique_ptr<BroadcastPart> part = std::move(new_.front());
    new_.pop_front();
    std::vector<SessionId> targets = part->Collect();
    seen += 1 + targets.size();
    const size_t by_bytes = std::max<size_t>(1, kBroadcastSliceBytesMax / part->frame_bytes());
    const size_t slice = std::min(kBroadcastSliceSessionsMax, by_bytes);
    if (targets.size() <= slice) {
      DeliverAll(*part, targets);
      continue;
    }
    std::sort(targets.begin(), targets.end());
    const auto next = std::lower_bound(targets.begin(), targets.end(), position_);
    running_.push_back({.part = std::move(part),
                        .next = static_cast<size_t>(next - targets.begin()),
                        .left = targets.size(),
                        .slice = slice});
    running_.back().targets = std::move(targets);
  }
}

void BroadcastRound::DeliverAll(BroadcastPart& part, const std::vector<SessionId>& targets) {
  for (const SessionId id : targets) part.DeliverTo(id);
  part.Finish();
}

SessionId BroadcastRound::EndOfTurn() const {
  SessionId end = 0;
  for (const Running& running : running_) {
    const size_t next_turn = running.next + running.slice;
    if (running.left <= running.slice || next_turn >= running.targets.size()) continue;
    const SessionId its_end = running.targets[next_turn];
    if (end == 0 || its_end < end) end = its_end;
  }
  return end;
}

void BroadcastRound::Advance(Running& running, SessionId end) {
  const std::vector<SessionId>& targets = running.targets;
  while (running.left > 0 && running.next < targets.size() &&
         (end == 0 || targets[running.next] < end)) {
    running.part->DeliverTo(targets[running.next]);
    ++running.next;
    --running.left;
  }
  if (end == 0) running.next = 0;
}

}  // namespace longwire
