#include "server/core/session_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

namespace longwire {
namespace {

constexpr int64_t kEpoch = 1'704'067'200'000;  // 2024-01-01
constexpr int64_t kNow = kEpoch + 123'456'789;

ManualClock ClockAt(int64_t wall_millis) {
  return ManualClock(1'000, wall_millis);
}

TEST(SessionId, IsTimeNodeAndSequenceFromTheHighBitsDown) {
  const ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 0x155, 1);
  const SessionId first = ids.Next(0);
  EXPECT_EQ(first >> 22, 123'456'789);
  EXPECT_EQ(first >> 12 & 0x3FF, 0x155);
  EXPECT_EQ(first & 0xFFF, 0);
  EXPECT_EQ(ids.Next(0) & 0xFFF, 1) << "the sequence counts within the millisecond";
}

TEST(SessionId, TheShardStandsInTheLowBitsOfTheSequence) {
  const ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 1, 4);
  for (uint32_t shard = 0; shard < 4; ++shard) {
    EXPECT_EQ(ids.Next(shard) & 0xFFF, shard);
    EXPECT_EQ(ids.Next(shard) & 0xFFF, 4 + shard);
  }
}

TEST(SessionId, NodeShardAndTimeAreReadBackForEveryNumberOfShards) {
  const ManualClock clock = ClockAt(kNow);
  for (uint32_t shards = 1; shards <= kShardsMax; ++shards) {
    for (const uint32_t node : {0u, 1u, 512u, kNodeIdMax}) {
      SnowflakeGenerator ids(clock, kEpoch, node, shards);
      for (uint32_t shard = 0; shard < shards; ++shard) {
        const SessionId id = ids.Next(shard);
        ASSERT_EQ(ids.NodeOf(id), node);
        ASSERT_EQ(ids.ShardOf(id), shard) << "of " << shards;
        ASSERT_EQ(ids.MillisOf(id), kNow);
      }
    }
  }
}

TEST(SessionId, AnIdThatWasNeverMadeIsReadWithinRange) {
  const ManualClock clock = ClockAt(kNow);
  const SnowflakeGenerator ids(clock, kEpoch, 3, 5);
  for (const SessionId id : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX, int64_t{7}}) {
    EXPECT_LT(ids.ShardOf(id), 5u) << id;
    EXPECT_LE(ids.NodeOf(id), kNodeIdMax) << id;
  }
}

TEST(SessionId, WhenAMillisecondsSequenceIsUsedUpItGoesOnAheadOfTheClock) {
  const ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 1, kShardsMax);
  // 64 shards leave 6 bits to count with.
  for (int i = 0; i < 64; ++i) ASSERT_EQ(ids.MillisOf(ids.Next(9)), kNow);
  for (int i = 0; i < 64; ++i) ASSERT_EQ(ids.MillisOf(ids.Next(9)), kNow + 1);
  EXPECT_EQ(ids.MillisOf(ids.Next(9)), kNow + 2);
  EXPECT_EQ(ids.MillisOf(ids.Next(8)), kNow) << "each shard counts on its own";
}

TEST(SessionId, AllOfASequenceIsUsedBeforeTheNextMillisecondIs) {
  const ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 1, 1);
  for (int i = 0; i < 4'096; ++i) ASSERT_EQ(ids.Next(0) & 0xFFF, i);
  EXPECT_EQ(ids.Next(0) & 0xFFF, 0);
}

TEST(SessionId, OnceTheClockHasCaughtUpItsTimeIsUsedAgain) {
  ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 1, kShardsMax);
  for (int i = 0; i < 200; ++i) ids.Next(0);  // Into the fourth millisecond.
  clock.Advance(2);
  EXPECT_EQ(ids.MillisOf(ids.Next(0)), kNow + 3);
  clock.Advance(2);
  EXPECT_EQ(ids.MillisOf(ids.Next(0)), kNow + 4);
}

TEST(SessionId, AClockThatStepsBackNeverMakesAnIdSmallerOrTheSame) {
  ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator ids(clock, kEpoch, 1, 2);
  SessionId last = 0;
  for (const int64_t step : {0, 5, -3, -100'000, 1, 50'000, 60'000, -1, 0, -123'000'000, 1}) {
    clock.StepWall(step);
    for (int i = 0; i < 3'000; ++i) {
      const SessionId id = ids.Next(1);
      ASSERT_GT(id, last) << "after a step of " << step;
      last = id;
    }
  }
}

TEST(SessionId, ManyThreadsOnManyShardsNeverGetTheSameOne) {
  constexpr int kThreads = 8;
  constexpr int kEach = 20'000;
  SnowflakeGenerator ids(Clock::Real(), kEpoch, 1, 4);
  std::vector<std::vector<SessionId>> made(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      // Two threads for each shard.
      for (int i = 0; i < kEach; ++i) made[t].push_back(ids.Next(t % 4));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<SessionId> all;
  for (const std::vector<SessionId>& of_thread : made) {
    EXPECT_TRUE(std::is_sorted(of_thread.begin(), of_thread.end()));
    all.insert(all.end(), of_thread.begin(), of_thread.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_GT(all.front(), 0);
}

TEST(SessionId, TwoNodesNeverMakeTheSameOne) {
  const ManualClock clock = ClockAt(kNow);
  SnowflakeGenerator one(clock, kEpoch, 1, 1), two(clock, kEpoch, 2, 1);
  std::set<SessionId> made;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(made.insert(one.Next(0)).second);
    ASSERT_TRUE(made.insert(two.Next(0)).second);
  }
}

TEST(SessionId, IsPositiveUpToTheLastMillisecondItHasRoomFor) {
  const ManualClock clock = ClockAt(kEpoch + (int64_t{1} << kTimeBits) - 1);
  SnowflakeGenerator ids(clock, kEpoch, kNodeIdMax, 1);
  EXPECT_GT(ids.Next(0), 0);
}

TEST(SessionId, IsPositiveAlsoWhenTheClockStandsAtTheEpochOrBeforeIt) {
  for (const int64_t step : {0, -1, -1'000'000}) {
    ManualClock clock = ClockAt(kEpoch);
    SnowflakeGenerator ids(clock, kEpoch, 0, 1);
    clock.StepWall(step);
    SessionId last = 0;
    for (int i = 0; i < 10'000; ++i) {
      const SessionId id = ids.Next(0);
      ASSERT_GT(id, last) << "after a step of " << step;
      last = id;
    }
  }
}

TEST(SessionIdDeathTest, WhatTheGeneratorRequiresIsChecked) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const ManualClock clock = ClockAt(kNow);
  EXPECT_DEATH(SnowflakeGenerator(clock, kEpoch, kNodeIdMax + 1, 1), "node 1024");
  EXPECT_DEATH(SnowflakeGenerator(clock, kEpoch, 1, kShardsMax + 1), "shards 65");
  EXPECT_DEATH(SnowflakeGenerator(clock, kNow + 1, 1, 1), "since the epoch");
}

}  // namespace
}  // namespace longwire
