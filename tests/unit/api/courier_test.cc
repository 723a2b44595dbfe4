#include "server/api/courier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace longwire {
namespace {

using testing::ElementsAre;

// Never waited out when all is well.
constexpr absl::Duration kPatience = absl::Seconds(20);

// Remembers on the courier's thread what it was told.
struct FakeStream final : CourierStream {
  void Pump() override { told.push_back("pump"); }
  void Tick() override { told.push_back("tick"); }
  std::vector<std::string> told;
};

// Waits until the courier has done all it was asked for before.
void Settle(Courier& courier) {
  for (int i = 0; i < 2; ++i) {
    absl::Notification done;
    courier.Post([&] { done.Notify(); });
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  }
}

TEST(Courier, RunsTheTasksOfManyThreadsOnItsOwnEachThreadsInOrder) {
  constexpr int kThreads = 3;
  constexpr int kTasks = 3'000;
  std::vector<std::vector<int>> ran(kThreads);
  std::vector<std::thread> posters;
  Courier courier;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) courier.Post([&, t, i] { ran[t].push_back(i); });
    });
  }
  for (std::thread& poster : posters) poster.join();
  Settle(courier);
  for (const std::vector<int>& of_thread : ran) {
    ASSERT_EQ(of_thread.size(), static_cast<size_t>(kTasks));
    for (int i = 0; i < kTasks; ++i) ASSERT_EQ(of_thread[i], i);
  }
}

TEST(Courier, RunsWhatWasPostedBeforeItEnds) {
  int ran = 0;
  {
    Courier courier;
    for (int i = 0; i < 100; ++i) courier.Post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(Courier, GrowthOfTheLogPumpsEveryStream) {
  Courier courier;
  auto one = std::make_shared<FakeStream>(), two = std::make_shared<FakeStream>();
  courier.Add(one);
  courier.Add(two);
  courier.LogGrew();
  Settle(courier);
  EXPECT_THAT(one->told, ElementsAre("pump"));
  EXPECT_THAT(two->told, ElementsAre("pump"));
}

TEST(Courier, ATickIsToldBeforeThePump) {
  Courier courier;
  auto stream = std::make_shared<FakeStream>();
  courier.Add(stream);
  courier.Tick();
  Settle(courier);
  EXPECT_THAT(stream->told, ElementsAre("tick", "pump"));
}

TEST(Courier, GrowthToldWhileItIsBusyIsOnePumpAndIsNotForgotten) {
  Courier courier;
  auto stream = std::make_shared<FakeStream>();
  courier.Add(stream);
  absl::Notification is_busy, may_go_on;
  courier.Post([&] {
    is_busy.Notify();
    may_go_on.WaitForNotification();
  });
  is_busy.WaitForNotification();
  for (int i = 0; i < 1'000; ++i) courier.LogGrew();
  may_go_on.Notify();
  Settle(courier);
  EXPECT_THAT(stream->told, ElementsAre("pump"));
  courier.LogGrew();
  Settle(courier);
  EXPECT_THAT(stream->told, ElementsAre("pump", "pump"));
}

// Each growth is followed by a pump that begins after it: a flag that gets lost ends the test by
// its patience.
TEST(Courier, NoGrowthIsLost) {
  struct CountingStream final : CourierStream {
    void Pump() override {
      absl::MutexLock lock(&mutex);
      seen = grown;
    }
    void Tick() override {}
    absl::Mutex mutex;
    int grown = 0, seen = 0;
  };
  Courier courier;
  auto stream = std::make_shared<CountingStream>();
  courier.Add(stream);
  for (int i = 0; i < 3'000; ++i) {
    absl::MutexLock lock(&stream->mutex);
    ++stream->grown;
    stream->mutex.Unlock();
    courier.LogGrew();
    stream->mutex.Lock();
    const auto has_seen = [&] { return stream->seen == stream->grown; };
    ASSERT_TRUE(stream->mutex.AwaitWithTimeout(absl::Condition(&has_seen), kPatience)) << i;
  }
}

TEST(Courier, ARemovedStreamIsFreedAndNoLongerPumped) {
  Courier courier;
  auto stream = std::make_shared<FakeStream>();
  const std::weak_ptr<FakeStream> watch = stream;
  courier.Add(stream);
  EXPECT_EQ(courier.streams().size(), 1u);
  courier.Remove(stream);
  courier.Remove(stream);
  EXPECT_TRUE(courier.streams().empty());
  courier.LogGrew();
  Settle(courier);
  EXPECT_THAT(stream->told, ElementsAre());
  stream.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Courier, AStreamMayBeAddedAndRemovedFromTheCouriersOwnTasks) {
  Courier courier;
  auto stream = std::make_shared<FakeStream>();
  courier.Post([&] { courier.Add(stream); });
  Settle(courier);
  EXPECT_EQ(courier.streams().size(), 1u);
  courier.Post([&] { courier.Remove(stream); });
  Settle(courier);
  EXPECT_TRUE(courier.streams().empty());
}

}  // namespace
}  // namespace longwire
