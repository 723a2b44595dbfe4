#include "server/base/timer_wheel.h"

#include <algorithm>

#include "server/base/limits.h"

namespace longwire {

void TimerWheel::Entry::Unlink() {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
}

void TimerWheel::Append(Entry& slot, Entry& entry) {
  entry.previous_ = slot.previous_;
  entry.next_ = &slot;
  slot.previous_->next_ = &entry;
  slot.previous_ = &entry;
}

TimerWheel::TimerWheel(int64_t now_millis) : start_millis_(now_millis) {
  for (Entry& slot : slots_) slot.next_ = slot.previous_ = &slot;
}

uint32_t TimerWheel::TickOf(int64_t millis) const {
  return static_cast<uint32_t>(std::max<int64_t>(millis - start_millis_, 0) / kTimerTickMillis);
}

void TimerWheel::Schedule(Entry& entry, int64_t due_millis) {
  entry.Unlink();
  // One tick is added since the current one has partly passed.
  entry.due_tick_ = std::max(TickOf(due_millis) + 1, tick_ + 1);
  Append(slots_[entry.due_tick_ % kSlots], entry);
}

int TimerWheel::MillisToNext(int64_t now_millis) const {
  for (uint32_t ahead = 1; ahead <= kSlots; ++ahead) {
    if (IsEmpty(slots_[(tick_ + ahead) % kSlots])) continue;
    const int64_t due = start_millis_ + int64_t{tick_ + ahead} * kTimerTickMillis;
    return static_cast<int>(std::max<int64_t>(due - now_millis, 0));
  }
  return -1;
}

}  // namespace longwire
