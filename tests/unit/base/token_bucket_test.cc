#include "server/base/token_bucket.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace longwire {
namespace {

// How many of `tries` are let through at one instant.
int Passed(TokenBucket& bucket, int64_t now_millis, int tries, uint64_t per_second,
           uint64_t burst) {
  int passed = 0;
  for (int i = 0; i < tries; ++i) {
    if (bucket.Take(now_millis, 1, per_second, burst)) ++passed;
  }
  return passed;
}

TEST(TokenBucket, LetsABurstThroughAtOnceAndNoMore) {
  TokenBucket bucket;
  EXPECT_EQ(Passed(bucket, 1'000, 50, 10, 10), 10);
}

TEST(TokenBucket, LetsEverybodyThroughWhoKeepsTheRate) {
  TokenBucket bucket;
  for (int64_t now = 0; now < 100'000; now += 100) EXPECT_TRUE(bucket.Take(now, 1, 10, 10)) << now;
}

TEST(TokenBucket, LetsNoMoreThroughInTheLongRunThanTheRateAndOneBurst) {
  for (const uint64_t per_second : {1u, 3u, 7u, 1'000u, 999'999u}) {
    TokenBucket bucket;
    uint64_t passed = 0;
    for (int64_t now = 0; now < 10'000; ++now) {
      passed += static_cast<uint64_t>(
          Passed(bucket, now, static_cast<int>(per_second / 500 + 2), per_second, per_second));
    }
    EXPECT_LE(passed, per_second * 11) << per_second;
    EXPECT_GE(passed, per_second * 10 - 1) << per_second;
  }
}

TEST(TokenBucket, FillsUpDuringASilenceButNeverBeyondTheBurst) {
  TokenBucket bucket;
  EXPECT_EQ(Passed(bucket, 0, 50, 10, 10), 10);
  EXPECT_EQ(Passed(bucket, 500, 50, 10, 10), 5);
  EXPECT_EQ(Passed(bucket, 3'600'000, 50, 10, 10), 10);
}

TEST(TokenBucket, TakesNothingForWhatItRefuses) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(0, 9, 10, 10));
  EXPECT_FALSE(bucket.Take(0, 2, 10, 10));
  EXPECT_TRUE(bucket.Take(0, 1, 10, 10));
}

TEST(TokenBucket, TakesABurstThatIsManySecondsWorth) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(0, 100'000, 1'000, 100'000));
  EXPECT_FALSE(bucket.Take(50, 100, 1'000, 100'000));
  EXPECT_TRUE(bucket.Take(100, 100, 1'000, 100'000));
}

TEST(TokenBucket, HoldsAtTheLargestNumbers) {
  constexpr uint64_t kMost = (uint64_t{1} << 33) - 1;
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(int64_t{1} << 42, kMost, kMost, kMost));
  EXPECT_FALSE(bucket.Take(int64_t{1} << 42, kMost, kMost, kMost));
  TokenBucket slow;
  EXPECT_TRUE(slow.Take(0, kMost, 1, kMost));
  EXPECT_FALSE(slow.Take(0, 1, 1, kMost));
}

}  // namespace
}  // namespace longwire
