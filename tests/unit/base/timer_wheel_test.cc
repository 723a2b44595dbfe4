#include "server/base/timer_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "server/base/limits.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kStart = 1'000'003;  // Not a multiple of a tick.
constexpr int64_t kTick = kTimerTickMillis;
constexpr int64_t kRevolution = 1024 * kTick;

struct Timer : TimerWheel::Entry {
  explicit Timer(int number) : number(number) {}
  const int number;
};

class TimerWheelTest : public testing::Test {
 protected:
  // Who fires when the clock comes to `now`, in order.
  std::vector<int> AdvanceTo(int64_t now) {
    std::vector<int> fired;
    wheel_.Advance(
        now, [&](TimerWheel::Entry& entry) { fired.push_back(static_cast<Timer&>(entry).number); });
    return fired;
  }

  TimerWheel wheel_{kStart};
  Timer one_{1}, two_{2}, three_{3};
};

TEST_F(TimerWheelTest, FiresNotBeforeTheDeadlineAndLessThanTwoTicksAfterIt) {
  for (int64_t after = 0; after <= 3 * kTick; ++after) {
    TimerWheel wheel(kStart);
    Timer timer(0);
    wheel.Schedule(timer, kStart + after);
    int64_t now = kStart;
    bool has_fired = false;
    while (!has_fired && now < kStart + 10 * kTick) {
      wheel.Advance(++now, [&](TimerWheel::Entry&) { has_fired = true; });
    }
    ASSERT_TRUE(has_fired) << after;
    EXPECT_GE(now, kStart + after);
    EXPECT_LT(now, kStart + after + 2 * kTick) << after;
  }
}

TEST_F(TimerWheelTest, ADeadlineInThePastFiresAtTheNextTick) {
  AdvanceTo(kStart + 10 * kTick);
  wheel_.Schedule(one_, kStart - 5'000);
  wheel_.Schedule(two_, 0);
  EXPECT_THAT(AdvanceTo(kStart + 10 * kTick), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart + 11 * kTick), ElementsAre(1, 2));
}

TEST_F(TimerWheelTest, AnEntryFiresOnceAndIsOffTheWheelWhenItDoes) {
  wheel_.Schedule(one_, kStart + kTick);
  EXPECT_TRUE(one_.IsScheduled());
  int fired = 0;
  wheel_.Advance(kStart + kRevolution, [&](TimerWheel::Entry& entry) {
    ++fired;
    EXPECT_FALSE(entry.IsScheduled());
  });
  EXPECT_EQ(fired, 1);
  EXPECT_THAT(AdvanceTo(kStart + 3 * kRevolution), IsEmpty());
}

TEST_F(TimerWheelTest, SchedulingAgainMovesTheDeadlineEitherWay) {
  wheel_.Schedule(one_, kStart + 2 * kTick);
  wheel_.Schedule(one_, kStart + 100 * kTick);
  wheel_.Schedule(two_, kStart + 100 * kTick);
  wheel_.Schedule(two_, kStart + 2 * kTick);
  EXPECT_THAT(AdvanceTo(kStart + 50 * kTick), ElementsAre(2));
  EXPECT_THAT(AdvanceTo(kStart + 102 * kTick), ElementsAre(1));
}

TEST_F(TimerWheelTest, ACancelledEntryDoesNotFire) {
  wheel_.Schedule(one_, kStart + kTick);
  wheel_.Schedule(two_, kStart + kTick);
  TimerWheel::Cancel(one_);
  TimerWheel::Cancel(one_);  // Nothing is left to cancel.
  EXPECT_FALSE(one_.IsScheduled());
  EXPECT_THAT(AdvanceTo(kStart + 5 * kTick), ElementsAre(2));
}

TEST_F(TimerWheelTest, ADestroyedEntryLeavesItsNeighboursInPlace) {
  auto gone = std::make_unique<Timer>(9);
  wheel_.Schedule(one_, kStart + kTick);
  wheel_.Schedule(*gone, kStart + kTick);
  wheel_.Schedule(two_, kStart + kTick);
  gone.reset();
  EXPECT_THAT(AdvanceTo(kStart + 5 * kTick), ElementsAre(1, 2));
}

TEST_F(TimerWheelTest, AnEntryMayOutliveTheWheel) {
  Timer late(1), later(2);
  {
    TimerWheel wheel(kStart);
    wheel.Schedule(late, kStart + kTick);
    wheel.Schedule(later, kStart + kTick);
  }
  // Their destructors must not touch the wheel that is gone: a sanitizer would tell.
}

TEST_F(TimerWheelTest, DeadlinesARevolutionApartShareASlotAndFireEachInItsOwn) {
  wheel_.Schedule(one_, kStart + kTick);
  wheel_.Schedule(two_, kStart + kTick + kRevolution);
  wheel_.Schedule(three_, kStart + kTick + 2 * kRevolution);
  EXPECT_THAT(AdvanceTo(kStart + 3 * kTick), ElementsAre(1));
  EXPECT_THAT(AdvanceTo(kStart + kRevolution), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart + kRevolution + 3 * kTick), ElementsAre(2));
  EXPECT_THAT(AdvanceTo(kStart + 2 * kRevolution), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart + 2 * kRevolution + 3 * kTick), ElementsAre(3));
}

TEST_F(TimerWheelTest, AfterAPauseOfManyRevolutionsEverythingThatWasDueFires) {
  std::deque<Timer> timers;
  for (int i = 0; i < 3'000; ++i) {
    wheel_.Schedule(timers.emplace_back(i), kStart + i * kTick);
  }
  wheel_.Schedule(one_, kStart + 100 * kRevolution);
  EXPECT_EQ(AdvanceTo(kStart + 50 * kRevolution).size(), 3'000u);
  EXPECT_TRUE(one_.IsScheduled());
}

TEST_F(TimerWheelTest, WhatFiresMayScheduleItselfAgain) {
  wheel_.Schedule(one_, kStart + kTick);
  int fired = 0;
  const auto every_ten_ticks = [&](int64_t now) {
    wheel_.Advance(now, [&](TimerWheel::Entry& entry) {
      ++fired;
      wheel_.Schedule(entry, now + 10 * kTick);
    });
  };
  for (int64_t now = kStart; now < kStart + 100 * kTick; now += kTick) every_ten_ticks(now);
  EXPECT_GE(fired, 9);
  EXPECT_LE(fired, 11);
}

TEST_F(TimerWheelTest, WhatFiresMayScheduleIntoTheSlotThatIsFiring) {
  wheel_.Schedule(one_, kStart + kTick);
  wheel_.Schedule(two_, kStart + kTick);
  std::vector<int> fired;
  wheel_.Advance(kStart + 3 * kTick, [&](TimerWheel::Entry& entry) {
    fired.push_back(static_cast<Timer&>(entry).number);
    // A revolution later is the same slot: it must not be visited again by this Advance.
    wheel_.Schedule(entry, kStart + kTick + kRevolution);
  });
  EXPECT_THAT(fired, ElementsAre(1, 2));
  EXPECT_THAT(AdvanceTo(kStart + kRevolution + 3 * kTick), ElementsAre(1, 2));
}

TEST_F(TimerWheelTest, WhatFiresMayCancelOrDestroyAnyOtherOfTheSameTick) {
  auto gone = std::make_unique<Timer>(9);
  wheel_.Schedule(one_, kStart + kTick);
  wheel_.Schedule(two_, kStart + kTick);
  wheel_.Schedule(*gone, kStart + kTick);
  wheel_.Schedule(three_, kStart + kTick);
  std::vector<int> fired;
  wheel_.Advance(kStart + 3 * kTick, [&](TimerWheel::Entry& entry) {
    fired.push_back(static_cast<Timer&>(entry).number);
    TimerWheel::Cancel(two_);
    gone.reset();
  });
  EXPECT_THAT(fired, ElementsAre(1, 3));
}

TEST_F(TimerWheelTest, TheSleepEndsAtTheTickThatFiresAndIsEndlessWithoutEntries) {
  EXPECT_EQ(wheel_.MillisToNext(kStart), -1);
  wheel_.Schedule(one_, kStart + 10 * kTick + 7);
  const int sleep = wheel_.MillisToNext(kStart + 3);
  EXPECT_THAT(AdvanceTo(kStart + 3 + sleep - 1), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart + 3 + sleep), ElementsAre(1));
  EXPECT_EQ(wheel_.MillisToNext(kStart + 3 + sleep), -1);
}

TEST_F(TimerWheelTest, TheSleepIsNeverNegativeWhenTheLoopIsLate) {
  wheel_.Schedule(one_, kStart + kTick);
  EXPECT_EQ(wheel_.MillisToNext(kStart + kRevolution), 0);
}

TEST_F(TimerWheelTest, AClockThatStandsStillOrStepsBackFiresNothing) {
  AdvanceTo(kStart + 10 * kTick);
  wheel_.Schedule(one_, kStart + 11 * kTick);
  EXPECT_THAT(AdvanceTo(kStart + 10 * kTick), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart - 10 * kTick), IsEmpty());
  EXPECT_THAT(AdvanceTo(kStart + 13 * kTick), ElementsAre(1));
}

// Against a list of deadlines: random schedules, cancels and steps of the clock.
TEST_F(TimerWheelTest, FiresWhatAListOfDeadlinesWould) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  std::deque<Timer> timers;
  std::vector<std::optional<int64_t>> dues(200);
  for (int i = 0; i < 200; ++i) timers.emplace_back(i);
  int64_t now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    const size_t at = random() % timers.size();
    if (random() % 4 == 0) {
      TimerWheel::Cancel(timers[at]);
      dues[at].reset();
    } else {
      dues[at] = now - 100 + static_cast<int64_t>(random() % (random() % 8 ? 3'000 : 200'000));
      wheel_.Schedule(timers[at], *dues[at]);
      // What is overdue counts from now.
      dues[at] = std::max(*dues[at], now);
    }
    now += static_cast<int64_t>(random() % (random() % 500 ? 40 : 200'000));
    for (const int fired : AdvanceTo(now)) {
      ASSERT_TRUE(dues[fired]) << "seed " << seed << ": nothing was scheduled";
      ASSERT_LE(*dues[fired], now) << "seed " << seed << ": too early";
      dues[fired].reset();
    }
    for (const auto& due : dues) {
      ASSERT_TRUE(!due || *due + 2 * kTick > now) << "seed " << seed << ": too late";
    }
  }
}

}  // namespace
}  // namespace longwire
