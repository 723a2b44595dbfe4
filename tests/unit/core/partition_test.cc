#include "server/core/partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace longwire {
namespace {

// Written down once: a partition is stored with events and claims, so it may never change.
TEST(Partition, IsTheSameInEveryBuildAndProcess) {
  EXPECT_EQ(PartitionOf("alice", 1, 64), 52);
  EXPECT_EQ(PartitionOf("bob", 1, 64), 32);
  EXPECT_EQ(PartitionOf("", 123'456'789, 64), 6);
  EXPECT_EQ(PartitionOf("alice", 1, 1'000), 236);
}

TEST(Partition, IsThatOfTheUidWhateverTheSession) {
  EXPECT_EQ(PartitionOf("alice", 1, 64), PartitionOf("alice", 2, 64));
}

TEST(Partition, OfOneIsTheOnlyOne) {
  EXPECT_EQ(PartitionOf("alice", 1, 1), 0);
  EXPECT_EQ(PartitionOf("", 7, 1), 0);
}

TEST(Partition, UidsAndAnonymousSessionsSpreadEvenly) {
  constexpr int kPerPartition = 1'000;
  for (const uint32_t partitions : {2u, 63u, 64u, 100u}) {
    std::vector<int> by_uid(partitions), by_id(partitions);
    for (uint32_t i = 0; i < partitions * kPerPartition; ++i) {
      ++by_uid[PartitionOf("user" + std::to_string(i), 1, partitions)];
      // As snowflakes stand: the low bits are mostly the same.
      ++by_id[PartitionOf("", int64_t{i} << 22, partitions)];
    }
    for (const auto& counts : {by_uid, by_id}) {
      // Six standard deviations of a fair throw.
      EXPECT_GT(*std::min_element(counts.begin(), counts.end()), kPerPartition - 190);
      EXPECT_LT(*std::max_element(counts.begin(), counts.end()), kPerPartition + 190);
    }
  }
}

}  // namespace
}  // namespace longwire
