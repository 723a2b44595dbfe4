#pragma once

#include <algorithm>
#include <cstdint>

namespace longwire {

// A token bucket: what is within the rate passes, and after a silence so does a burst. Eight bytes:
// the instant at which it would be full again (the generic cell rate algorithm). One thread.
class TokenBucket {
 public:
  // Takes `amount` if it is there. The bucket holds `burst`, and is filled at `per_second`; both
  // are the same at each call. REQUIRES: per_second > 0, amount and burst below 2^33, and time does
  // not go back.
  [[nodiscard]] bool Take(int64_t now_millis, uint64_t amount, uint64_t per_second,
                          uint64_t burst) {
    const int64_t now = now_millis * kNanosPerMilli;
    const int64_t full = std::max(full_nanos_, now) + Nanos(amount, per_second);
    if (full - now > Nanos(burst, per_second)) return false;
    full_nanos_ = full;
    return true;
  }

 private:
  static constexpr int64_t kNanosPerMilli = 1'000'000;

  static int64_t Nanos(uint64_t amount, uint64_t per_second) {
    return static_cast<int64_t>(amount * 1'000'000'000 / per_second);
  }

  int64_t full_nanos_ = 0;
};

}  // namespace longwire
