#include "server/hub/shared_frame.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace longwire {
namespace {

TEST(SharedFrame, IsTheWholeFrameOfItsMessage) {
  ByteBudget budget(1'000'000);
  EXPECT_EQ(SharedFrame::Make({MessageType::kText, "Hello"}, budget).bytes(), "\x81\x05Hello");
  EXPECT_EQ(SharedFrame::Make({MessageType::kBinary, ""}, budget).bytes(),
            std::string_view("\x82\x00", 2));
  const std::string big(65'536, 'x');
  const SharedFrame frame = SharedFrame::Make({MessageType::kText, big}, budget);
  EXPECT_EQ(frame.size(), 65'546u);
  EXPECT_TRUE(frame.bytes().ends_with(big));
}

TEST(SharedFrame, IsChargedOnceFromItsMakingToItsLastCopy) {
  ByteBudget budget(1'000);
  {
    std::vector<SharedFrame> copies;
    {
      const SharedFrame frame = SharedFrame::Make({MessageType::kText, "Hello"}, budget);
      EXPECT_EQ(budget.used(), 7u);
      copies.assign(10'000, frame);
    }
    EXPECT_EQ(budget.used(), 7u);
    copies.resize(1);
    EXPECT_EQ(budget.used(), 7u);
    copies[0] = {};
    EXPECT_EQ(budget.used(), 0u);
  }
}

TEST(SharedFrame, IsNullWhenTheBudgetHasNoRoomAndChargesNothing) {
  ByteBudget budget(10);
  const SharedFrame first = SharedFrame::Make({MessageType::kText, "Hello"}, budget);
  ASSERT_TRUE(first);
  EXPECT_FALSE(SharedFrame::Make({MessageType::kText, "Hello"}, budget));
  EXPECT_EQ(budget.used(), 7u);
  EXPECT_FALSE(SharedFrame());
}

TEST(SharedFrame, MayBeLetGoByManyThreads) {
  ByteBudget budget(1'000);
  std::vector<std::thread> threads;
  {
    const SharedFrame frame = SharedFrame::Make({MessageType::kText, "Hello"}, budget);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([frame] {
        for (int i = 0; i < 10'000; ++i) {
          const SharedFrame copy = frame;
          ASSERT_EQ(copy.size(), 7u);
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace longwire
