#include "server/events/group_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/base/clock.h"
#include "server/engine/local_event_log.h"

namespace longwire {
namespace {

using testing::ElementsAre;

TEST(GroupRecord, ReadsBackWhatItWrites) {
  const GroupRecord record = {.generation = 7,
                              .log_id = "log",
                              .start_after = 12,
                              .is_after_restart = true,
                              .settings = {.types = 6, .manual_ack = true},
                              .members = {3, 5}};
  const GroupRecord read = GroupRecord::Parse(record.Serialize());
  EXPECT_EQ(read.generation, 7);
  EXPECT_EQ(read.log_id, "log");
  EXPECT_EQ(read.start_after, 12u);
  EXPECT_TRUE(read.is_after_restart);
  EXPECT_EQ(read.settings, record.settings);
  EXPECT_THAT(read.members, ElementsAre(3, 5));

  const GroupPartitionRecord partition =
      GroupPartitionRecord::Parse(GroupPartitionRecord{3, 12, true}.Serialize());
  EXPECT_EQ(partition.holder, 3);
  EXPECT_EQ(partition.done_up_to, 12u);
  EXPECT_TRUE(partition.is_restart_untold);
}

TEST(GroupRecord, BytesThatAreNoneOfOursReadAsNothing) {
  EXPECT_EQ(GroupRecord::Parse("\xff\xff").generation, 0);
  EXPECT_EQ(GroupPartitionRecord::Parse("\xff\xff").holder, 0);
}

TEST(GroupRecord, KeepsItsMembersInOrder) {
  ManualClock clock;
  const LocalEventLog log("log", 1024 * 1024, 1'000, clock);
  GroupRecord record;
  for (const int64_t id : {5, 3, 9, 4}) EXPECT_FALSE(record.Admit("g", id, {}, {}, log));
  EXPECT_THAT(record.members, ElementsAre(3, 4, 5, 9));
  EXPECT_TRUE(record.HasMember(4));
  EXPECT_FALSE(record.HasMember(6));
  EXPECT_EQ(record.generation, 5) << "the first member's";
}

TEST(GroupRecord, WhoIsRefusedChangesNothing) {
  ManualClock clock;
  const LocalEventLog log("log", 1024 * 1024, 1'000, clock);
  GroupRecord record;
  ASSERT_FALSE(record.Admit("g", 1, {.types = 2}, {}, log));
  const std::string before = record.Serialize();
  EXPECT_EQ(record.Admit("g", 2, {.types = 4}, {}, log)->reason, Reason::kGroupMismatch);
  EXPECT_EQ(record.Serialize(), before);
}

}  // namespace
}  // namespace longwire
