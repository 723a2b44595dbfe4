#include "server/base/slots.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace longwire {
namespace {

TEST(Slots, AreTakenUntilThereAreNoneAndGivenBackWhenTheyGo) {
  Slots slots(2);
  Slots::Slot one = slots.Take();
  {
    const Slots::Slot two = slots.Take();
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
    EXPECT_FALSE(slots.Take());
    EXPECT_FALSE(slots.Take()) << "a refusal takes nothing";
  }
  EXPECT_TRUE(slots.Take());
  one.GiveBack();
  EXPECT_FALSE(one);
  one.GiveBack();  // Nothing is given back twice.
  const Slots::Slot a = slots.Take(), b = slots.Take();
  EXPECT_TRUE(a);
  EXPECT_TRUE(b);
  EXPECT_FALSE(slots.Take());
}

TEST(Slots, AMovedSlotIsOneSlot) {
  Slots slots(1);
  Slots::Slot place = slots.Take();
  Slots::Slot moved = std::move(place);
  EXPECT_TRUE(moved);
  EXPECT_FALSE(slots.Take());
  Slots::Slot assigned;
  assigned = std::move(moved);
  EXPECT_FALSE(slots.Take());
  assigned = Slots::Slot();
  EXPECT_TRUE(slots.Take());
}

TEST(Slots, WithoutAPlaceThereIsNothingToGiveBack) {
  Slots::Slot empty;
  EXPECT_FALSE(empty);
  empty.GiveBack();
}

TEST(Slots, ThreadsTogetherNeverHoldMoreThanThereAre) {
  Slots slots(3);
  std::atomic<int> held{0};
  std::atomic<bool> were_too_many{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const Slots::Slot slot = slots.Take();
        if (!slot) continue;
        if (held.fetch_add(1) >= 3) were_too_many = true;
        held.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(were_too_many);
  const Slots::Slot a = slots.Take(), b = slots.Take(), c = slots.Take();
  EXPECT_TRUE(a && b && c) << "all are back";
}

}  // namespace
}  // namespace longwire
