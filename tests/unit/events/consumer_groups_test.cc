// What a group is made of and how it ends. How its partitions move is tested in
// group_model_test.cc.
#include "server/events/consumer_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/limits.h"
#include "server/engine/local_event_log.h"
#include "server/engine/local_registry.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr GroupSettings kAll = {.types = EventFilter::kAllTypes};
constexpr int64_t kRetentionMillis = 100'000;
constexpr uint32_t kPartitions = 4;

struct Member {
  explicit Member(const EventLog& log)
      : feed(log,
             {.filter = {.types = EventFilter::kAllTypes},
              .ack_timeout_millis = 30'000,
              .partitions = kPartitions},
             1) {}

  std::optional<std::optional<Refusal>> joined;
  bool is_expired = false;
  EventFeed feed;
  std::shared_ptr<ConsumerGroup> group;
  int64_t id = 0;
};

class ConsumerGroupsTest : public testing::Test {
 protected:
  ConsumerGroupsTest() { groups_.Start(); }

  void Settle() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  Member& Begin(const std::string& name, GroupSettings settings = kAll, GroupStart start = {}) {
    Member& member = members_.emplace_back(log_);
    member.id = ++last_id_;
    member.group = groups_.Join(
        name, {.subscription_id = member.id,
               .settings = settings,
               .start = std::move(start),
               .feed = &member.feed,
               .joined = [&member](std::optional<Refusal> refusal) { member.joined = refusal; },
               .fed = [] {},
               .expired = [&member] { member.is_expired = true; }});
    return member;
  }
  Member& Join(const std::string& name, GroupSettings settings = kAll, GroupStart start = {}) {
    Member& member = Begin(name, settings, std::move(start));
    Settle();
    return member;
  }
  void Leave(Member& member) {
    member.group->Leave(member.id);
    Settle();
  }
  static std::string ReasonOf(const Member& member) {
    if (!member.joined) return "no answer";
    return *member.joined ? std::string(ReasonName((*member.joined)->reason)) : "";
  }
  void Append(int events) {
    for (int i = 0; i < events; ++i) {
      EventBatch batch;
      AppendRouted(batch.bytes(), {1, "", 0}, "", {MessageType::kText, "hi"});
      batch.Add({.type = v1::EVENT_TYPE_ROUTE,
                 .partition = static_cast<PartitionNumber>(i % kPartitions)});
      log_.Append(batch);
    }
  }
  std::vector<uint64_t> Read(Member& member, EventFeed::Chunk& chunk) {
    member.feed.Read(1024 * 1024, clock_.SteadyMillis(), chunk);
    member.feed.Written(true);
    member.group->OnDone(member.id);
    v1::SubscribeEventsResponse response;
    EXPECT_TRUE(response.ParseFromString(chunk.framed_events));
    std::vector<uint64_t> sequences;
    for (const v1::Event& event : response.events()) sequences.push_back(event.sequence());
    return sequences;
  }
  std::vector<uint64_t> Read(Member& member) {
    EventFeed::Chunk chunk;
    return Read(member, chunk);
  }
  void PassTime(int64_t millis) {
    clock_.Advance(millis);
    groups_.Tick();
    Settle();
  }
  GroupContext Context(const EventLog& log) {
    return {.log = log,
            .registry = registry_,
            .clock = clock_,
            .partitions = kPartitions,
            .retention_millis = kRetentionMillis};
  }

  ManualClock clock_;
  LocalEventLog log_{"log", 64 * 1024 * 1024, 3'600'000, clock_};
  std::deque<LocalRegistry::Task> tasks_;
  LocalRegistry registry_{[this](LocalRegistry::Task task) { tasks_.push_back(std::move(task)); }};
  ConsumerGroups groups_{Context(log_)};
  std::deque<Member> members_;
  int64_t last_id_ = 100;
};

TEST_F(ConsumerGroupsTest, BeginsWhereTheFirstMemberSays) {
  Append(8);
  EXPECT_THAT(Read(Join("a", kAll, {.after = 6})), ElementsAre(7, 8));
  EXPECT_THAT(Read(Join("b", kAll, {.after = 0})), SizeIs(8));
  EXPECT_THAT(Read(Join("c", kAll, {.after = 8})), IsEmpty());
}

TEST_F(ConsumerGroupsTest, ThePlaceOfALaterMemberDoesNotCount) {
  Append(8);
  Member& first = Join("a", kAll, {.after = 8});
  Leave(first);
  Member& second = Join("a", kAll, {.after = 0});
  EXPECT_THAT(Read(second), IsEmpty());
  Append(1);
  EXPECT_THAT(Read(second), ElementsAre(9));
}

TEST_F(ConsumerGroupsTest, ThePlaceOutlivesItsMembers) {
  Member& first = Join("a");
  Append(4);
  EXPECT_THAT(Read(first), ElementsAre(1, 2, 3, 4));
  Leave(first);
  Append(2);
  PassTime(kRetentionMillis - 1);
  EXPECT_THAT(Read(Join("a")), ElementsAre(5, 6));
}

TEST_F(ConsumerGroupsTest, AGroupWithoutMembersIsForgottenInTheEnd) {
  Append(1);
  Member& first = Join("a");
  PassTime(10 * kRetentionMillis);
  Leave(first);
  PassTime(0);
  EXPECT_THAT(groups_.stats(), SizeIs(1));
  PassTime(kRetentionMillis);
  PassTime(0);
  EXPECT_THAT(groups_.stats(), IsEmpty());
  EXPECT_EQ(registry_.size(), 0u) << "nothing of it is left in the registry";
  EXPECT_THAT(Read(Join("a")), ElementsAre(1)) << "it begins anew";
}

TEST_F(ConsumerGroupsTest, AMemberThatComesWhileTheGroupIsForgottenFindsItOrMakesItAnew) {
  Append(1);
  Leave(Join("a"));
  PassTime(0);
  clock_.Advance(kRetentionMillis);
  groups_.Tick();  // The erasure is under way.
  Member& late = Begin("a");
  Settle();
  EXPECT_EQ(ReasonOf(late), "");
  EXPECT_THAT(Read(late), ElementsAre(1));
  Append(1);
  EXPECT_THAT(Read(late), ElementsAre(2));
}

TEST_F(ConsumerGroupsTest, WhoDiffersFromTheMembersIsRefused) {
  Join("a", {.types = 2, .manual_ack = false});
  EXPECT_EQ(ReasonOf(Join("a", {.types = 2, .manual_ack = true})), "GROUP_MISMATCH");
  EXPECT_EQ(ReasonOf(Join("a", {.types = 4, .manual_ack = false})), "GROUP_MISMATCH");
  EXPECT_EQ(ReasonOf(Join("a", {.types = 2, .manual_ack = false})), "");
  EXPECT_EQ(ReasonOf(Join("b", {.types = 4, .manual_ack = true})), "") << "another group";
}

TEST_F(ConsumerGroupsTest, OfTwoThatDifferAndComeAtOnceOneIsRefused) {
  Member& first = Begin("a", {.types = 2});
  Member& second = Begin("a", {.types = 4});
  Settle();
  EXPECT_EQ(ReasonOf(first), "");
  EXPECT_EQ(ReasonOf(second), "GROUP_MISMATCH");
}

TEST_F(ConsumerGroupsTest, WhoComesWhileTheLastMemberIsLeavingIsComparedWithNobody) {
  Member& first = Join("a", {.types = 2});
  first.group->Leave(first.id);
  // Its partitions are still being freed.
  Member& second = Begin("a", {.types = 4});
  EXPECT_EQ(ReasonOf(second), "no answer");
  Settle();
  EXPECT_EQ(ReasonOf(second), "");
}

TEST_F(ConsumerGroupsTest, AfterAPauseOfTheGatewayNobodyIsCutOffAtOnce) {
  Member& member = Join("a");
  Append(4);
  EventFeed::Chunk chunk;
  member.feed.Read(1024 * 1024, clock_.SteadyMillis(), chunk);  // And it is never written.
  PassTime(100'000);
  EXPECT_FALSE(member.is_expired) << "its acknowledgements may still be in the socket";
  PassTime(1'000);
  EXPECT_TRUE(member.is_expired);
}

TEST_F(ConsumerGroupsTest, TheFirstMemberOfAnEmptyGroupSetsItAnewAndThePlaceStays) {
  Member& first = Join("a", {.types = 2});
  Append(4);
  Read(first);
  Leave(first);
  Append(1);
  Member& second = Join("a", {.types = 4, .manual_ack = true});
  EXPECT_EQ(ReasonOf(second), "");
  EXPECT_THAT(Read(second), ElementsAre(5));
}

TEST_F(ConsumerGroupsTest, APlaceThatIsNoneOnlyMattersToANewGroup) {
  const GroupStart nowhere = {.refusal = Refusal{Reason::kCursorBeyondHead, "beyond"}};
  EXPECT_EQ(ReasonOf(Join("a", kAll, nowhere)), "CURSOR_BEYOND_HEAD");
  EXPECT_EQ(ReasonOf(Join("a")), "");
  EXPECT_EQ(ReasonOf(Join("a", kAll, nowhere)), "");
}

TEST_F(ConsumerGroupsTest, TooManyMembersAndTooManyGroupsAreRefused) {
  for (size_t i = 0; i < kGroupMembersMax; ++i) Join("a");
  EXPECT_EQ(ReasonOf(Join("a")), "GATEWAY_BUSY");
  for (size_t i = 1; i < kGroupsMax; ++i) Join("g" + std::to_string(i));
  EXPECT_EQ(ReasonOf(Join("one more")), "GATEWAY_BUSY");
}

TEST_F(ConsumerGroupsTest, AMemberThatLeavesBeforeItHasJoinedHoldsNothingUp) {
  Append(4);
  Member& first = Begin("a");
  first.group->Leave(first.id);
  Settle();
  EXPECT_EQ(ReasonOf(first), "no answer");
  EXPECT_THAT(Read(Join("a")), SizeIs(4));
}

TEST_F(ConsumerGroupsTest, TheRestartIsToldToEachMemberOnce) {
  Append(4);
  Member& first = Join("a", kAll, {.after = 0, .is_after_restart = true});
  EventFeed::Chunk chunk;
  Read(first, chunk);
  EXPECT_TRUE(chunk.is_restart_gap);
  EXPECT_THAT(Read(first, chunk), SizeIs(4));
  EXPECT_FALSE(chunk.is_restart_gap);
  PassTime(1'000);
  Member& second = Join("a");
  Append(4);
  EXPECT_THAT(Read(second, chunk), testing::Not(IsEmpty()));
  EXPECT_FALSE(chunk.is_restart_gap) << "its partitions' holder was told";
}

TEST_F(ConsumerGroupsTest, ARestartThatNobodyWasToldOfIsToldToTheNext) {
  Append(4);
  Leave(Join("a", kAll, {.after = 0, .is_after_restart = true}));
  EventFeed::Chunk chunk;
  Read(Join("a"), chunk);
  EXPECT_TRUE(chunk.is_restart_gap);
}

TEST_F(ConsumerGroupsTest, AGroupOfAnotherLogBeginsAnewAfterARestart) {
  Append(6);
  Leave(Join("a", kAll, {.after = 6}));
  // The same registry under a log that has begun anew.
  LocalEventLog other("another", 64 * 1024 * 1024, 3'600'000, clock_);
  EventBatch batch;
  AppendRouted(batch.bytes(), {1, "", 0}, "", {MessageType::kText, "hi"});
  batch.Add({.type = v1::EVENT_TYPE_ROUTE});
  other.Append(batch);
  ConsumerGroups groups(Context(other));
  groups.Start();
  Settle();
  Member member(other);
  member.group =
      groups.Join("a", {.subscription_id = 999,
                        .settings = kAll,
                        .start = {.after = 1},
                        .feed = &member.feed,
                        .joined = [&](std::optional<Refusal> refusal) { member.joined = refusal; },
                        .fed = [] {},
                        .expired = [] {}});
  Settle();
  EXPECT_EQ(ReasonOf(member), "");
  EventFeed::Chunk chunk;
  Read(member, chunk);
  EXPECT_TRUE(chunk.is_restart_gap);
  EXPECT_THAT(Read(member, chunk), ElementsAre(1));
}

TEST_F(ConsumerGroupsTest, AMemberIsFedOnceAllItIsGivenIsThere) {
  Append(8);
  Member& member = Begin("a");
  std::vector<uint64_t> sequences;
  while (!tasks_.empty()) {
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    const std::vector<uint64_t> read = Read(member);
    sequences.insert(sequences.end(), read.begin(), read.end());
  }
  EXPECT_THAT(sequences, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8)) << "not partition by partition";
}

TEST_F(ConsumerGroupsTest, ShowsItsMembersAndItsPlace) {
  Member& first = Join("a");
  Join("a");
  Append(8);
  PassTime(0);
  ASSERT_THAT(groups_.stats(), SizeIs(1));
  EXPECT_EQ(groups_.stats()[0].name, "a");
  EXPECT_EQ(groups_.stats()[0].members, 2u);
  EXPECT_LT(groups_.stats()[0].covered, 8u);
  for (Member& member : members_) Read(member);
  PassTime(0);
  EXPECT_EQ(groups_.stats()[0].covered, 8u);
  Leave(first);
  PassTime(0);
  EXPECT_EQ(groups_.stats()[0].members, 1u);
}

}  // namespace
}  // namespace longwire
