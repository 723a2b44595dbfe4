#include "client/src/event_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace longwire::client::internal {
namespace {

using std::chrono::milliseconds;

constexpr EventQueue::TimePoint kStart{milliseconds(1'000)};

v1::Event EventOf(const std::string& uid, uint64_t sequence, int64_t session_id = 1) {
  v1::Event event;
  event.set_uid(uid);
  event.set_sequence(sequence);
  event.set_session_id(session_id);
  return event;
}

uint64_t SequenceOf(const std::optional<EventQueue::Item>& item) {
  return item ? item->event.sequence() : 0;
}

TEST(EventQueue, GivesEventsOfDifferentUidsAtOnceAndOfOneInTurn) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  queue.Push(EventOf("alice", 2), 7);
  queue.Push(EventOf("bob", 3), 7);
  const auto alice = queue.Take(kStart);
  const auto bob = queue.Take(kStart);
  EXPECT_EQ(SequenceOf(alice), 1u);
  EXPECT_EQ(SequenceOf(bob), 3u);
  EXPECT_FALSE(queue.Take(kStart)) << "alice's first is being handled";
  EXPECT_EQ(queue.busy(), 2u);
  EXPECT_EQ(queue.waiting(), 1u);
  queue.Done(*alice);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 2u);
}

TEST(EventQueue, GivesTheOldestFirstWhoeversItIs) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  queue.Push(EventOf("alice", 2), 7);
  for (uint64_t i = 3; i < 10; ++i) queue.Push(EventOf("u" + std::to_string(i), i), 7);
  for (uint64_t i = 1; i < 10; ++i) {
    const auto item = queue.Take(kStart);
    EXPECT_EQ(SequenceOf(item), i) << "the gateway waits for the oldest";
    queue.Done(*item);
  }
}

TEST(EventQueue, AnonymousSessionsAreEachForThemselves) {
  EventQueue queue;
  queue.Push(EventOf("", 1, 10), 7);
  queue.Push(EventOf("", 2, 11), 7);
  queue.Push(EventOf("", 3, 10), 7);
  queue.Push(EventOf("s10", 4, 12), 7);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 1u);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 2u);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 4u) << "a uid that looks like a session is none";
  EXPECT_FALSE(queue.Take(kStart));
}

TEST(EventQueue, ARetryWaitsItsTimeAndHoldsUpOnlyItsOwn) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  queue.Push(EventOf("alice", 2), 7);
  auto item = queue.Take(kStart);
  queue.Retry(*std::move(item), kStart + milliseconds(50), 7);
  EXPECT_FALSE(queue.Take(kStart));
  EXPECT_EQ(queue.NextTime(), kStart + milliseconds(50));
  queue.Push(EventOf("bob", 3), 7);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 3u);
  item = queue.Take(kStart + milliseconds(50));
  EXPECT_EQ(SequenceOf(item), 1u) << "before what follows it";
  EXPECT_EQ(item->attempts, 1);
  queue.Done(*item);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 2u);
}

TEST(EventQueue, WhenTheStreamBreaksWhatWaitsIsDropped) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  queue.Push(EventOf("alice", 2), 7);
  queue.Push(EventOf("bob", 3), 7);
  const auto alice = queue.Take(kStart);
  queue.DropWaiting();
  EXPECT_EQ(queue.waiting(), 0u);
  EXPECT_FALSE(queue.Take(kStart));
  // It comes again, by another stream, while the first is still being handled.
  queue.Push(EventOf("alice", 1), 8);
  EXPECT_FALSE(queue.Take(kStart)) << "never two of one uid at a time";
  queue.Done(*alice);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 1u);
}

TEST(EventQueue, ARetryOfABrokenStreamIsDropped) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  auto alice = queue.Take(kStart);
  queue.DropWaiting();
  queue.Push(EventOf("alice", 1), 8);
  queue.Retry(*std::move(alice), kStart + milliseconds(50), 8);
  const auto again = queue.Take(kStart);
  EXPECT_EQ(SequenceOf(again), 1u);
  EXPECT_EQ(again->subscription_id, 8);
  queue.Done(*again);
  EXPECT_FALSE(queue.Take(kStart + milliseconds(1'000)));
}

TEST(EventQueue, APauseThatIsDroppedLeavesNothingBehind) {
  EventQueue queue;
  queue.Push(EventOf("alice", 1), 7);
  queue.Retry(*queue.Take(kStart), kStart + milliseconds(50), 7);
  queue.DropWaiting();
  EXPECT_FALSE(queue.NextTime());
  queue.Push(EventOf("alice", 1), 8);
  EXPECT_EQ(SequenceOf(queue.Take(kStart)), 1u) << "it does not wait for the old one's time";
}

TEST(EventQueue, KeepsEachUidsOrderAndLosesNothingUnderRandomLoad) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    EventQueue queue;
    std::map<std::string, uint64_t> last;
    std::vector<EventQueue::Item> busy;
    std::set<std::string> busy_uids;
    uint64_t pushed = 0, done = 0;
    auto now = kStart;
    const auto take = [&] {
      auto item = queue.Take(now);
      if (!item) return false;
      EXPECT_TRUE(busy_uids.insert(item->event.uid()).second);
      EXPECT_GT(item->event.sequence(), last[item->event.uid()]);
      busy.push_back(*std::move(item));
      return true;
    };
    const auto finish = [&](bool retry) {
      const size_t at = random() % busy.size();
      EventQueue::Item item = std::move(busy[at]);
      busy.erase(busy.begin() + static_cast<ptrdiff_t>(at));
      busy_uids.erase(item.event.uid());
      if (retry) {
        queue.Retry(std::move(item), now + milliseconds(random() % 20), 7);
      } else {
        last[item.event.uid()] = item.event.sequence();
        ++done;
        queue.Done(item);
      }
    };
    for (int step = 0; step < 3'000; ++step) {
      now += milliseconds(random() % 3);
      const unsigned act = random() % 3;
      if (act == 0) queue.Push(EventOf("u" + std::to_string(random() % 8), ++pushed), 7);
      if (act == 1) take();
      if (act == 2 && !busy.empty()) finish(random() % 4 == 0);
    }
    now += milliseconds(100);
    while (take() || !busy.empty()) {
      if (!busy.empty()) finish(false);
    }
    EXPECT_EQ(done, pushed) << "seed " << seed;
    EXPECT_EQ(queue.waiting() + queue.busy(), 0u);
  }
}

}  // namespace
}  // namespace longwire::client::internal
