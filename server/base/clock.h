#pragma once

#include <atomic>
#include <cstdint>

namespace longwire {

// Where every part of longwire gets its time from, so that a test can hand in a clock that it moves
// itself. Any thread may call it.
class Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds on a clock that never steps and that goes on while the machine sleeps
  // (CLOCK_BOOTTIME): a laptop or a paused VM that wakes up finds its deadlines passed.
  virtual int64_t SteadyMillis() const = 0;

  // Milliseconds since 1970-01-01 UTC. It may step either way.
  virtual int64_t WallMillis() const = 0;

  // The machine's own clock.
  static const Clock& Real();
};

// A clock that stands still until it is told to move. Any thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t steady_millis = 1'000, int64_t wall_millis = 1'800'000'000'000)
      : steady_millis_(steady_millis), wall_millis_(wall_millis) {}

  int64_t SteadyMillis() const override { return steady_millis_.load(); }
  int64_t WallMillis() const override { return wall_millis_.load(); }

  void Advance(int64_t millis) {
    steady_millis_ += millis;
    wall_millis_ += millis;
  }
  // Moves only the wall clock, by any amount and in either direction, as an NTP step does.
  void StepWall(int64_t millis) { wall_millis_ += millis; }

 private:
  std::atomic<int64_t> steady_millis_;
  std::atomic<int64_t> wall_millis_;
};

}  // namespace longwire
