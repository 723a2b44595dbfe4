#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "server/base/clock.h"

namespace longwire {

// Keeps a line that clients can cause from filling the log: one in ten seconds, with the number of
// those that were left out. Any thread.
class LogLimiter {
 public:
  // How many lines were left out since the last one, if a line may be written now.
  std::optional<uint64_t> Allow() {
    const int64_t now = Clock::Real().SteadyMillis();
    int64_t next = next_millis_.load();
    if (now < next || !next_millis_.compare_exchange_strong(next, now + kIntervalMillis)) {
      left_out_.fetch_add(1);
      return std::nullopt;
    }
    return left_out_.exchange(0);
  }

 private:
  static constexpr int64_t kIntervalMillis = 10'000;

  std::atomic<int64_t> next_millis_{0};
  std::atomic<uint64_t> left_out_{0};
};

}  // namespace longwire
