#include "server/base/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

using testing::ElementsAre;

// Never waited out when all is well.
constexpr absl::Duration kPatience = absl::Seconds(20);

// A descriptor that is readable while it holds a number.
class Signal {
 public:
  Signal() : fd_(eventfd(0, EFD_NONBLOCK)) {}
  ~Signal() { close(fd_); }
  int fd() const { return fd_; }
  void Raise() { EXPECT_EQ(eventfd_write(fd_, 1), 0); }
  void Lower() {
    eventfd_t value;
    EXPECT_EQ(eventfd_read(fd_, &value), 0);
  }

 private:
  const int fd_;
};

struct FakeHandler : Loop::Handler {
  std::function<void(uint32_t)> on_ready = [](uint32_t) {};
  std::function<void()> on_timer = [] {};
  std::function<void()> on_free = [] {};

  ~FakeHandler() override { on_free(); }
  void OnReady(uint32_t events) override { on_ready(events); }
  void OnTimer() override { on_timer(); }
};

// A loop whose clock is moved on its own thread, which Start starts.
class LoopTest : public testing::Test {
 protected:
  ~LoopTest() override { End(); }

  void Start() {
    thread_ = std::thread([this] { loop_.Run(); });
  }
  // Must come before what a hook or a handler refers to goes.
  void End() {
    loop_.Stop();
    if (thread_.joinable()) thread_.join();
  }
  // Runs `work` on the loop and waits for it. What it posts itself runs in the next turn.
  void OnLoop(std::function<void()> work) {
    absl::Notification done;
    loop_.Post([&] {
      work();
      done.Notify();
    });
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience)) << "the loop does not answer";
  }
  // Waits for the end of a turn that has begun after the call.
  void FinishTurn() {
    OnLoop([] {});
    OnLoop([] {});
  }
  // Moves the clock on the loop's thread and waits for the turn that sees it.
  void Advance(int64_t millis) {
    OnLoop([&] { clock_.Advance(millis); });
    FinishTurn();
  }

  ManualClock clock_;
  Loop loop_{7, clock_};
  std::thread thread_;
};

TEST_F(LoopTest, TasksPostedBeforeRunAreRunByIt) {
  std::vector<int> ran;
  loop_.Post([&] { ran.push_back(1); });
  loop_.Post([&] { ran.push_back(2); });
  EXPECT_THAT(ran, ElementsAre());
  Start();
  OnLoop([&] { EXPECT_THAT(ran, ElementsAre(1, 2)); });
}

TEST_F(LoopTest, TasksOfManyThreadsRunOnTheLoopsThreadEachThreadsInOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2'000;
  Start();
  std::vector<std::vector<int>> ran(kThreads);
  int strangers = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop_.Post([&, t, i] {
          ran[t].push_back(i);
          if (std::this_thread::get_id() != thread_.get_id()) ++strangers;
        });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  OnLoop([&] {
    EXPECT_EQ(strangers, 0);
    for (const std::vector<int>& of_thread : ran) {
      ASSERT_EQ(of_thread.size(), static_cast<size_t>(kTasks));
      for (int i = 0; i < kTasks; ++i) ASSERT_EQ(of_thread[i], i);
    }
  });
}

// The loop falls asleep after each answer, with no timer to wake it: a wake-up that gets lost ends
// the test by its patience.
TEST_F(LoopTest, APostWakesALoopThatSleeps) {
  Start();
  for (int i = 0; i < 5'000; ++i) {
    OnLoop([] {});
    if (HasFatalFailure()) return;
  }
}

TEST_F(LoopTest, ATaskPostedByATaskRunsInTheNextTurn) {
  std::vector<std::string> seen;
  loop_.AddTurnHook([&] { seen.push_back("turn"); });
  loop_.Post([&] {
    seen.push_back("first");
    loop_.Post([&] { seen.push_back("second"); });
  });
  Start();
  FinishTurn();
  End();
  ASSERT_GE(seen.size(), 4u);
  seen.resize(3);
  EXPECT_THAT(seen, ElementsAre("first", "turn", "second"));
}

TEST_F(LoopTest, StopEndsALoopThatSleeps) {
  Start();
  FinishTurn();
  End();
}

TEST_F(LoopTest, AStopFromATaskLetsTheTurnEnd) {
  bool has_turn_ended = false;
  loop_.AddTurnHook([&] { has_turn_ended = true; });
  loop_.Post([&] { loop_.Stop(); });
  loop_.Run();
  EXPECT_TRUE(has_turn_ended);
}

TEST_F(LoopTest, WhatNeverRanIsFreedWithTheLoop) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  {
    Loop loop(0, clock_);
    loop.Post([held = std::move(held)] {});
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST_F(LoopTest, TryPostRefusesWhatGoesOverTheBoundAndTakesItWhenTheInboxIsWorkedOff) {
  int ran = 0;
  const auto count = [&] { ++ran; };
  EXPECT_TRUE(loop_.TryPost(kInboxBytesMax - 10, count));
  EXPECT_FALSE(loop_.TryPost(11, count));
  EXPECT_TRUE(loop_.TryPost(10, count));
  EXPECT_FALSE(loop_.TryPost(1, count));
  Start();
  OnLoop([&] { EXPECT_EQ(ran, 2); });
  EXPECT_TRUE(loop_.TryPost(kInboxBytesMax, count));
  OnLoop([&] { EXPECT_EQ(ran, 3); });
}

TEST_F(LoopTest, TellsWhenItsInboxIsMoreThanHalfFull) {
  EXPECT_TRUE(loop_.TryPost(kInboxBytesMax / 2, [] {}));
  EXPECT_FALSE(loop_.is_inbox_half_full());
  EXPECT_TRUE(loop_.TryPost(1, [] {}));
  EXPECT_TRUE(loop_.is_inbox_half_full());
  Start();
  OnLoop([&] { EXPECT_FALSE(loop_.is_inbox_half_full()); });
}

TEST_F(LoopTest, ATaskLargerThanTheBoundGoesIntoAnEmptyInboxOnly) {
  EXPECT_TRUE(loop_.TryPost(kInboxBytesMax + 1, [] {}));
  EXPECT_FALSE(loop_.TryPost(kInboxBytesMax + 1, [] {}));
}

TEST_F(LoopTest, PostIsTakenWhenTryPostIsNot) {
  std::vector<int> ran;
  EXPECT_TRUE(loop_.TryPost(kInboxBytesMax, [&] { ran.push_back(1); }));
  EXPECT_FALSE(loop_.TryPost(1, [&] { ran.push_back(2); }));
  loop_.Post([&] { ran.push_back(3); });
  Start();
  OnLoop([&] { EXPECT_THAT(ran, ElementsAre(1, 3)); });
}

TEST_F(LoopTest, AWatchedDescriptorIsReportedUntilItIsReadAndNoLongerThanItIsWatched) {
  Signal signal;
  FakeHandler handler;
  int reports = 0;
  absl::BlockingCounter three(3);
  handler.on_ready = [&](uint32_t events) {
    EXPECT_EQ(events, static_cast<uint32_t>(EPOLLIN));
    // Level-triggered: reported anew as long as nobody reads.
    if (++reports <= 3) three.DecrementCount();
    if (reports == 3) loop_.Unwatch(signal.fd());
  };
  Start();
  OnLoop([&] { ASSERT_TRUE(loop_.Watch(signal.fd(), handler, EPOLLIN)); });
  signal.Raise();
  three.Wait();
  FinishTurn();
  OnLoop([&] { EXPECT_EQ(reports, 3); });
}

TEST_F(LoopTest, RewatchChangesWhatIsReported) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  FakeHandler handler;
  std::vector<uint32_t> reported;
  absl::Notification is_writable;
  handler.on_ready = [&](uint32_t events) {
    reported.push_back(events);
    loop_.Rewatch(pair[0], handler, 0);
    is_writable.Notify();
  };
  Start();
  OnLoop([&] { ASSERT_TRUE(loop_.Watch(pair[0], handler, 0)); });
  FinishTurn();
  OnLoop([&] {
    EXPECT_TRUE(reported.empty()) << "nothing was asked for";
    loop_.Rewatch(pair[0], handler, EPOLLOUT);
  });
  ASSERT_TRUE(is_writable.WaitForNotificationWithTimeout(kPatience));
  FinishTurn();
  OnLoop([&] {
    EXPECT_THAT(reported, ElementsAre(EPOLLOUT));
    loop_.Unwatch(pair[0]);
  });
  close(pair[0]);
  close(pair[1]);
}

TEST_F(LoopTest, WatchTellsWhenTheKernelRefuses) {
  FakeHandler handler;
  EXPECT_FALSE(loop_.Watch(-1, handler, EPOLLIN));
}

TEST_F(LoopTest, ATimerFiresWhenTheClockHasReachedItAndNotAgain) {
  FakeHandler handler;
  int fired = 0;
  handler.on_timer = [&] { ++fired; };
  Start();
  OnLoop([&] { loop_.Schedule(handler, loop_.now_millis() + 1'000); });
  Advance(999);
  OnLoop([&] { EXPECT_EQ(fired, 0); });
  Advance(1 + 2 * kTimerTickMillis);
  OnLoop([&] { EXPECT_EQ(fired, 1); });
  Advance(100'000);
  OnLoop([&] {
    EXPECT_EQ(fired, 1);
    TimerWheel::Cancel(handler);
  });
}

TEST(Loop, SleepsNoLongerThanToItsNextTimer) {
  // The one test on the machine's clock: that epoll is given a time to come back at.
  Loop loop(0, Clock::Real());
  FakeHandler handler;
  const int64_t begin = Clock::Real().SteadyMillis();
  handler.on_timer = [&] { loop.Stop(); };
  loop.Schedule(handler, loop.now_millis() + 20);
  loop.Run();
  EXPECT_GE(Clock::Real().SteadyMillis() - begin, 20);
}

TEST_F(LoopTest, TheTimeOfATurnIsReadOnce) {
  Start();
  OnLoop([&] {
    const int64_t now = loop_.now_millis();
    const int64_t wall = loop_.wall_millis();
    clock_.Advance(500);
    EXPECT_EQ(loop_.now_millis(), now);
    EXPECT_EQ(loop_.wall_millis(), wall);
  });
  OnLoop([&] {
    EXPECT_EQ(loop_.now_millis(), clock_.SteadyMillis());
    EXPECT_EQ(loop_.wall_millis(), clock_.WallMillis());
  });
  EXPECT_EQ(loop_.index(), 7u);
}

TEST_F(LoopTest, ATurnGoesDescriptorsTasksTimersHooksAndThenFreesWhatWasRetired) {
  Signal signal;
  std::vector<std::string> seen;
  auto handler = std::make_unique<FakeHandler>();
  FakeHandler& watching = *handler;
  handler->on_ready = [&](uint32_t) {
    seen.push_back("ready");
    loop_.Unwatch(signal.fd());
    loop_.Retire(std::move(handler));
  };
  watching.on_timer = [&] { seen.push_back("timer"); };
  watching.on_free = [&] { seen.push_back("freed"); };
  bool is_seeing = false;
  loop_.AddTurnHook([&] {
    if (is_seeing) seen.push_back("hook 1");
  });
  loop_.AddTurnHook([&] {
    if (is_seeing) seen.push_back("hook 2");
  });
  // All of it is made ready within one turn, for the next.
  loop_.Post([&] {
    ASSERT_TRUE(loop_.Watch(signal.fd(), watching, EPOLLIN));
    loop_.Schedule(watching, loop_.now_millis());
    clock_.Advance(5 * kTimerTickMillis);
    signal.Raise();
    loop_.Post([&] {
      seen.push_back("task");
      is_seeing = true;
      loop_.Stop();
    });
  });
  loop_.Run();
  EXPECT_THAT(seen, ElementsAre("ready", "task", "timer", "hook 1", "hook 2", "freed"));
}

// Both descriptors are ready in one turn, and whichever handler comes first retires the other,
// whose event the kernel has handed out already.
TEST_F(LoopTest, ARetiredHandlerIsStillThereForTheEventsOfItsTurn) {
  Signal signals[2];
  std::unique_ptr<FakeHandler> handlers[2];
  std::vector<std::string> seen;
  for (int i = 0; i < 2; ++i) {
    signals[i].Raise();
    handlers[i] = std::make_unique<FakeHandler>();
    handlers[i]->on_ready = [&, i](uint32_t) {
      seen.push_back("ready");
      signals[i].Lower();
      loop_.Unwatch(signals[1 - i].fd());
      if (handlers[1 - i] != nullptr) loop_.Retire(std::move(handlers[1 - i]));
      loop_.Stop();
    };
    handlers[i]->on_free = [&] { seen.push_back("freed"); };
    ASSERT_TRUE(loop_.Watch(signals[i].fd(), *handlers[i], EPOLLIN));
  }
  loop_.Run();
  EXPECT_THAT(seen, ElementsAre("ready", "ready", "freed", "freed"));
}

}  // namespace
}  // namespace longwire
