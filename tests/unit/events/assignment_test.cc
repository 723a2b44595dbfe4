#include "server/events/assignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace longwire {
namespace {

using testing::Each;

std::vector<int64_t> Members(int count) {
  std::vector<int64_t> members;
  // As subscription IDs are: close to each other, with the same low bits.
  for (int i = 0; i < count; ++i) members.push_back(380'000'000'000'000'000 + (int64_t{i} << 22));
  return members;
}

int Moved(const std::vector<int64_t>& before, const std::vector<int64_t>& after) {
  int moved = 0;
  for (size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i];
  return moved;
}

TEST(AssignPartitions, WithoutMembersNobodyHoldsAnything) {
  EXPECT_THAT(AssignPartitions(8, {}), Each(0));
}

TEST(AssignPartitions, TheOnlyMemberHoldsAll) {
  EXPECT_THAT(AssignPartitions(64, Members(1)), Each(Members(1)[0]));
}

TEST(AssignPartitions, NobodyHoldsMoreThanItsShare) {
  for (int count = 1; count <= 70; ++count) {
    std::map<int64_t, int> held;
    for (const int64_t holder : AssignPartitions(64, Members(count))) ++held[holder];
    for (const auto& [member, partitions] : held) {
      EXPECT_NE(member, 0);
      EXPECT_LE(partitions, (64 + count - 1) / count) << count << " members";
    }
  }
}

TEST(AssignPartitions, IsTheSameForTheSameMembers) {
  EXPECT_EQ(AssignPartitions(64, Members(5)), AssignPartitions(64, Members(5)));
}

TEST(AssignPartitions, FewPartitionsMoveWhenAMemberComesOrGoes) {
  for (int count = 1; count < 12; ++count) {
    const auto before = AssignPartitions(64, Members(count));
    const auto after = AssignPartitions(64, Members(count + 1));
    // The newcomer's share has to move; the bound on each share moves some more.
    EXPECT_LE(Moved(before, after), 64 / (count + 1) + 16) << count << " members";
  }
}

TEST(AssignPartitions, IsWrittenDownSinceNodesOfTwoVersionsHaveToAgree) {
  const std::vector<int64_t> members = {11, 22, 33};
  EXPECT_THAT(AssignPartitions(8, members), testing::ElementsAre(11, 11, 33, 22, 22, 22, 11, 33));
}

}  // namespace
}  // namespace longwire
