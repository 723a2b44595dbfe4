#include "server/hub/broadcast_round.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::TestHub;
using testing::ElementsAre;
using testing::Le;
using testing::SizeIs;

constexpr size_t kSlice = kBroadcastSliceSessionsMax;

// The whole numbers from `first` on, in an order that is not theirs.
std::vector<SessionId> Ids(SessionId first, size_t count, uint32_t seed = 1) {
  std::vector<SessionId> ids(count);
  std::iota(ids.begin(), ids.end(), first);
  std::shuffle(ids.begin(), ids.end(), std::mt19937(seed));
  return ids;
}

// The round of one shard. All of it but the constructor is for the shard's loop.
class RoundTest : public testing::Test {
 protected:
  struct Delivered {
    int turn;
    int broadcast;
    SessionId id;
  };

  RoundTest() {
    hub_.On(0, [this] { hub_.loop(0).AddTurnHook([this] { ++turn_; }); });
  }

  class Part final : public BroadcastPart {
   public:
    Part(RoundTest& test, int number, std::vector<SessionId> targets, size_t frame_bytes)
        : test_(test), number_(number), targets_(std::move(targets)), frame_bytes_(frame_bytes) {}

    std::vector<SessionId> Collect() override {
      test_.collected_in_[number_] = test_.turn_;
      return targets_;
    }
    size_t frame_bytes() const override { return frame_bytes_; }
    void DeliverTo(SessionId id) override {
      test_.delivered_.push_back({test_.turn_, number_, id});
    }
    void Finish() override { test_.OnFinished(number_); }

   private:
    RoundTest& test_;
    const int number_;
    const std::vector<SessionId> targets_;
    const size_t frame_bytes_;
  };

  int Add(std::vector<SessionId> targets, size_t frame_bytes = 100) {
    const int number = static_cast<int>(audience_.size());
    audience_.push_back(targets);
    hub_.shard(0).broadcasts().Add(
        std::make_unique<Part>(*this, number, std::move(targets), frame_bytes));
    return number;
  }

  // Runs `begin` on the loop, and whatever it adds to its end.
  void Run(const std::function<void()>& begin) {
    hub_.On(0, begin);
    ASSERT_TRUE(all_finished_.WaitForNotificationWithTimeout(test::kAnswerPatience));
    hub_.Settle();
  }
  // Says that Run is over when so many have finished.
  void AwaitFinished(size_t count) { awaited_ = count; }

  void OnFinished(int number) {
    finished_.push_back(number);
    if (then_) then_();
    if (finished_.size() == awaited_) all_finished_.Notify();
  }

  // Runs `work` at the end of so many turns.
  void AfterTurns(int turns, std::function<void()> work) {
    if (turns == 0) {
      work();
    } else {
      hub_.loop(0).Post(
          [this, turns, work = std::move(work)] { AfterTurns(turns - 1, std::move(work)); });
    }
  }

  std::vector<SessionId> DeliveredOf(int broadcast) const {
    std::vector<SessionId> ids;
    for (const Delivered& one : delivered_) {
      if (one.broadcast == broadcast) ids.push_back(one.id);
    }
    return ids;
  }
  void ExpectEachReachedOnce() const {
    for (size_t i = 0; i < audience_.size(); ++i) {
      std::vector<SessionId> expected = audience_[i], reached = DeliveredOf(static_cast<int>(i));
      std::sort(expected.begin(), expected.end());
      std::sort(reached.begin(), reached.end());
      EXPECT_EQ(reached, expected) << "broadcast " << i;
    }
  }
  // How often each broadcast delivered in each turn.
  std::map<std::pair<int, int>, size_t> CountsByTurn() const {
    std::map<std::pair<int, int>, size_t> counts;
    for (const Delivered& one : delivered_) ++counts[{one.broadcast, one.turn}];
    return counts;
  }

  TestHub hub_{1};
  int turn_ = 0;
  size_t awaited_ = 0;
  std::vector<std::vector<SessionId>> audience_;
  std::vector<Delivered> delivered_;
  std::map<int, int> collected_in_;
  std::vector<int> finished_;
  std::function<void()> then_;
  absl::Notification all_finished_;
};

TEST_F(RoundTest, ALargeAudienceIsReachedInTheOrderOfItsIdsASliceATurn) {
  AwaitFinished(1);
  Run([&] { Add(Ids(1, 3 * kSlice + 7)); });
  ExpectEachReachedOnce();
  const std::vector<SessionId> reached = DeliveredOf(0);
  EXPECT_TRUE(std::is_sorted(reached.begin(), reached.end()));
  EXPECT_THAT(CountsByTurn(), SizeIs(4));
  for (const auto& [of, count] : CountsByTurn()) EXPECT_THAT(count, Le(kSlice));
}

TEST_F(RoundTest, TwoThatBeginApartReachEachSessionInTheSameTurnAndInTheirOrder) {
  AwaitFinished(2);
  Run([&] {
    Add(Ids(1, 10 * kSlice));
    AfterTurns(4, [&] { Add(Ids(1, 10 * kSlice, 2)); });
  });
  ExpectEachReachedOnce();
  std::map<SessionId, std::vector<Delivered>> by_session;
  for (const Delivered& one : delivered_) by_session[one.id].push_back(one);
  size_t together = 0;
  for (const auto& [id, both] : by_session) {
    ASSERT_THAT(both, SizeIs(2));
    EXPECT_EQ(both[0].broadcast, 0) << "the older one comes first";
    together += both[0].turn == both[1].turn;
  }
  // All that the first had not reached when the second came.
  EXPECT_GE(together, 5 * kSlice);
}

TEST_F(RoundTest, ASmallAudienceIsNotHeldUpByALargeOne) {
  AwaitFinished(2);
  Run([&] {
    Add(Ids(1, 50 * kSlice));
    AfterTurns(2, [&] { Add({1, SessionId{25 * kSlice}, SessionId{50 * kSlice}}); });
  });
  ExpectEachReachedOnce();
  EXPECT_THAT(finished_, ElementsAre(1, 0));
  EXPECT_LE(collected_in_[1], 5);
  EXPECT_EQ(CountsByTurn().count({1, collected_in_[1]}), 1u);
}

TEST_F(RoundTest, AnEmptyAudienceIsFinishedAtOnce) {
  AwaitFinished(1);
  Run([&] { Add({}); });
  EXPECT_THAT(finished_, ElementsAre(0));
}

TEST_F(RoundTest, LargeFramesMakeASliceOfFewerSessions) {
  AwaitFinished(2);
  Run([&] {
    Add(Ids(1, 20), kBroadcastSliceBytesMax / 4);
    Add(Ids(1, 20), 2 * kBroadcastSliceBytesMax);
  });
  ExpectEachReachedOnce();
  for (const auto& [of, count] : CountsByTurn()) {
    EXPECT_THAT(count, Le(of.first == 0 ? 4u : 1u)) << "broadcast " << of.first;
  }
}

TEST_F(RoundTest, NewOnesAreLookedAtAFewATurn) {
  AwaitFinished(100);
  Run([&] {
    for (int i = 0; i < 100; ++i) Add(Ids(1, 2 * kSlice));
  });
  ExpectEachReachedOnce();
  std::map<int, int> collected;
  for (const auto& [number, turn] : collected_in_) ++collected[turn];
  for (const auto& [turn, count] : collected) EXPECT_EQ(count, 1) << "in turn " << turn;
}

TEST_F(RoundTest, AnyMixtureReachesEachOnce) {
  std::mt19937 random(7);
  constexpr size_t kBroadcasts = 60;
  AwaitFinished(kBroadcasts);
  const auto add_any = [&] {
    const size_t count = random() % (random() % 2 == 0 ? 8 * kSlice : 300);
    Add(Ids(static_cast<SessionId>(1 + random() % (6 * kSlice)), count, random()),
        1 + random() % 20'000);
  };
  // Each that ends begins another, wherever the round is.
  then_ = [&] {
    if (audience_.size() < kBroadcasts) add_any();
  };
  Run([&] {
    for (int i = 0; i < 6; ++i) add_any();
  });
  ExpectEachReachedOnce();
}

}  // namespace
}  // namespace longwire
