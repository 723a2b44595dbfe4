#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>

namespace longwire::test {

using Millis = std::chrono::milliseconds;

// How long a test waits for what has to happen. It is never waited out when all is well, so it is
// long enough for a sanitizer on a busy machine.
inline constexpr Millis kPatience{15'000};
// How long a test watches for what must not happen. All of it is always waited out.
inline constexpr Millis kQuiet{150};
// Between two looks at a condition that nobody signals.
inline constexpr Millis kPoll{2};

// A moment by which something has to be over.
class Deadline {
 public:
  explicit Deadline(Millis from_now) : at_(Clock::now() + from_now) {}

  bool Passed() const { return Clock::now() >= at_; }
  // What poll() wants: never negative, so never "for ever".
  int RemainingMillis() const {
    const auto left = std::chrono::ceil<Millis>(at_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }
  std::chrono::steady_clock::time_point at() const { return at_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point at_;
};

// Asks `predicate` again and again until it says yes or `patience` is over. On failure the result
// carries what `seen` tells then.
inline ::testing::AssertionResult Eventually(Millis patience,
                                             const std::function<bool()>& predicate,
                                             const std::function<std::string()>& seen) {
  const Deadline deadline(patience);
  while (!predicate()) {
    if (deadline.Passed()) {
      return ::testing::AssertionFailure()
             << "not within " << patience.count() << " ms; seen: " << seen();
    }
    std::this_thread::sleep_for(kPoll);
  }
  return ::testing::AssertionSuccess();
}

// The same for a value and a matcher; on failure the result carries the last value.
template <typename Get, typename Matcher>
::testing::AssertionResult EventuallySees(Get get, Matcher matcher, Millis patience = kPatience) {
  using Value = std::decay_t<decltype(get())>;
  const ::testing::Matcher<const Value&> wanted = ::testing::SafeMatcherCast<const Value&>(matcher);
  const Deadline deadline(patience);
  while (true) {
    const Value value = get();
    if (wanted.Matches(value)) return ::testing::AssertionSuccess();
    if (deadline.Passed()) {
      std::ostringstream expected;
      wanted.DescribeTo(&expected);
      return ::testing::AssertionFailure()
             << "not within " << patience.count() << " ms; expected: " << expected.str()
             << "; seen last: " << ::testing::PrintToString(value);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace longwire::test
