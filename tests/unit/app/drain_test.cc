#include "server/app/drain.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;

TEST(DrainTarget, IsSpreadEvenlyOverThePeriod) {
  EXPECT_EQ(DrainTarget(100'000, 0, 10'000), 0u);
  EXPECT_EQ(DrainTarget(100'000, 1'000, 10'000), 10'000u);
  EXPECT_EQ(DrainTarget(100'000, 5'000, 10'000), 50'000u);
  EXPECT_EQ(DrainTarget(100'000, 10'000, 10'000), 100'000u);
}

TEST(DrainTarget, IsAllOnceThePeriodIsOver) {
  for (const size_t sessions : {size_t{0}, size_t{1}, size_t{7}, size_t{1'000'000}}) {
    for (const int64_t period : {0, 1, 10'000, 86'400'000}) {
      EXPECT_EQ(DrainTarget(sessions, period, period), sessions);
      EXPECT_EQ(DrainTarget(sessions, period + 1'000'000'000, period), sessions);
    }
  }
}

TEST(DrainTarget, FewSessionsGoAtTheLeastPaceRatherThanOverTheWholePeriod) {
  // 50 sessions over a day would be one in half an hour.
  EXPECT_EQ(DrainTarget(50, 100, 86'400'000), 100 * kDrainSessionsPerSecondMin / 1'000);
  EXPECT_EQ(DrainTarget(50, 500, 86'400'000), 50u);
}

TEST(DrainTarget, NeverGoesBackAsTimeGoesOn) {
  for (const size_t sessions : {size_t{3}, size_t{999}, size_t{123'457}}) {
    size_t before = 0;
    for (int64_t elapsed = 0; elapsed <= 12'000; elapsed += 7) {
      const size_t target = DrainTarget(sessions, elapsed, 10'000);
      EXPECT_GE(target, before);
      EXPECT_LE(target, sessions);
      before = target;
    }
  }
}

TEST(DrainTarget, ADayAndAMillionSessionsDoNotOverflow) {
  EXPECT_EQ(DrainTarget(10'000'000, 43'200'000, 86'400'000), 5'000'000u);
}

TEST(Drainer, ClosesEverySessionOfEveryShardAndItsLeaveIsInTheLogWhenItReturns) {
  TestHub hub(3);
  std::vector<const FakeSession*> sessions;
  for (int i = 0; i < 30; ++i) {
    sessions.push_back(&hub.LogIn(i % 3, i % 2 == 0 ? "" : "user" + std::to_string(i)));
  }
  Drainer(hub.hub(), Clock::Real(), 0, 0).Run();
  size_t left = 0;
  for (const v1::Event& event : hub.Events()) {
    if (event.type() != v1::EVENT_TYPE_LEAVE) continue;
    ++left;
    EXPECT_EQ(event.leave().reason(), v1::LEAVE_REASON_DRAINED);
    EXPECT_EQ(event.leave().close_code(), 1001u);
  }
  EXPECT_EQ(left, sessions.size());
}

TEST(Drainer, SessionsThatLeaveByThemselvesMeanwhileAreNoTrouble) {
  TestHub hub(2);
  FakeSession& alice = hub.LogIn(0, "alice");
  hub.LogIn(1, "bob");
  hub.On(0, [&] { alice.LoseConnection(); });
  Drainer(hub.hub(), Clock::Real(), 0, 0).Run();
  EXPECT_EQ(hub.Events().size(), 4u);
}

TEST(Drainer, WithoutSessionsThereIsNothingToDo) {
  TestHub hub(2);
  Drainer(hub.hub(), Clock::Real(), 0, 86'400'000).Run();
  EXPECT_EQ(hub.log().head(), 0u);
}

// Its delay and its period are a day; only the hurry ends them.
TEST(Drainer, HurriedItGivesUpDelayAndPace) {
  TestHub hub(2);
  constexpr size_t kSessions = 500;
  for (size_t i = 0; i < kSessions; ++i) hub.On(i % 2, [&, i] { hub.MakeHere(i % 2, "").LogIn(); });
  Drainer drainer(hub.hub(), Clock::Real(), 86'400'000, 86'400'000);
  absl::Notification is_drained;
  std::thread thread([&] {
    drainer.Run();
    is_drained.Notify();
  });
  drainer.Hurry();
  const bool in_time = is_drained.WaitForNotificationWithTimeout(test::kAnswerPatience);
  EXPECT_TRUE(in_time);
  thread.join();
  hub.Settle();
  EXPECT_EQ(hub.metrics(0).sessions_left[static_cast<size_t>(LeaveReason::kDrained)].value() +
                hub.metrics(1).sessions_left[static_cast<size_t>(LeaveReason::kDrained)].value(),
            kSessions);
}

}  // namespace
}  // namespace longwire
