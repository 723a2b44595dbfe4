#pragma once

#include <array>
#include <cstdint>

namespace longwire {

// The timers of one loop: a hashed wheel with ticks of kTimerTickMillis. An entry is a base class
// of the thing that has the timer, so a session with a timer costs the wheel no allocation. Each
// entry has at most one deadline; an owner with several keeps the nearest and looks again when it
// fires. One thread.
class TimerWheel {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { Unlink(); }
    bool IsScheduled() const { return next_ != nullptr; }

   private:
    friend class TimerWheel;
    void Unlink();

    Entry* next_ = nullptr;
    Entry* previous_ = nullptr;
    uint32_t due_tick_ = 0;
  };

  explicit TimerWheel(int64_t now_millis);

  // Sets or moves the entry's deadline. It fires not before `due_millis` and less than two ticks
  // after it, given that Advance is called in time; a deadline in the past fires at the next tick.
  void Schedule(Entry& entry, int64_t due_millis);
  static void Cancel(Entry& entry) { entry.Unlink(); }

  // Calls `fire(Entry&)` once for each entry whose deadline has passed, after taking it off the
  // wheel: it may schedule itself or any other again, and may cancel or destroy any entry.
  template <typename Fire>
  void Advance(int64_t now_millis, Fire&& fire);

  // How long the loop may sleep: until the next tick that has an entry (which may turn out to be
  // due a revolution later), or -1 when there is none.
  int MillisToNext(int64_t now_millis) const;

 private:
  static constexpr uint32_t kSlots = 1024;

  uint32_t TickOf(int64_t millis) const;
  static bool IsEmpty(const Entry& slot) { return slot.next_ == &slot; }
  static void Append(Entry& slot, Entry& entry);

  const int64_t start_millis_;
  uint32_t tick_ = 0;  // The last tick that Advance has done.
  std::array<Entry, kSlots> slots_;
};

template <typename Fire>
void TimerWheel::Advance(int64_t now_millis, Fire&& fire) {
  const uint32_t now = TickOf(now_millis);
  while (tick_ < now) {
    // After a long pause a single revolution visits every entry.
    if (now - tick_ > kSlots) tick_ = now - kSlots;
    ++tick_;
    // The slot's entries move to a list of their own first: what fires may schedule into this slot.
    Entry due;
    due.next_ = due.previous_ = &due;
    Entry& slot = slots_[tick_ % kSlots];
    while (!IsEmpty(slot)) {
      Entry& entry = *slot.next_;
      entry.Unlink();
      Append(due, entry);
    }
    while (!IsEmpty(due)) {
      Entry& entry = *due.next_;
      entry.Unlink();
      if (entry.due_tick_ > now) {
        Append(slot, entry);
      } else {
        fire(entry);
      }
    }
    due.next_ = due.previous_ = nullptr;
  }
}

}  // namespace longwire
