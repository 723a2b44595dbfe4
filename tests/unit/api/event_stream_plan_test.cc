// What a SubscribeEventsRequest asks for. The stream itself is tested with a gateway around it, in
// tests/integration/events_test.cc.
#include "server/api/event_stream_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "server/base/limits.h"
#include "server/engine/local_event_log.h"

namespace longwire {
namespace {

class PlanEventStreamTest : public testing::Test {
 protected:
  PlanEventStreamTest() { AppendTo(log_, 5); }

  static void AppendTo(EventLog& log, int events) {
    for (int i = 0; i < events; ++i) {
      EventBatch batch;
      batch.bytes() += "x";
      batch.Add({.type = v1::EVENT_TYPE_ROUTE});
      log.Append(batch);
    }
  }
  EventStreamPlan Plan(const v1::SubscribeEventsRequest& request) {
    auto planned = PlanEventStream(request, log_, kPartitions);
    const auto* plan = std::get_if<EventStreamPlan>(&planned);
    EXPECT_NE(plan, nullptr) << std::get<Refusal>(planned).ToString();
    return plan == nullptr ? EventStreamPlan() : *plan;
  }
  std::string ReasonOf(const v1::SubscribeEventsRequest& request) {
    const auto planned = PlanEventStream(request, log_, kPartitions);
    const auto* refusal = std::get_if<Refusal>(&planned);
    return refusal == nullptr ? "" : std::string(ReasonName(refusal->reason));
  }
  static v1::SubscribeEventsRequest After(const std::string& log_id, uint64_t sequence) {
    v1::SubscribeEventsRequest request;
    request.mutable_after()->set_log_id(log_id);
    request.mutable_after()->set_sequence(sequence);
    return request;
  }
  static v1::SubscribeEventsRequest StartAt(v1::StartAt start_at) {
    v1::SubscribeEventsRequest request;
    request.set_start_at(start_at);
    return request;
  }

  static constexpr uint32_t kPartitions = 16;
  ManualClock clock_;
  LocalEventLog log_{"log", 1024 * 1024, 3'600'000, clock_};
};

TEST_F(PlanEventStreamTest, WithoutAPlaceOrAtLatestItBeginsBehindTheHead) {
  for (const auto& request : {v1::SubscribeEventsRequest(), StartAt(v1::START_AT_LATEST)}) {
    const EventStreamPlan plan = Plan(request);
    EXPECT_EQ(plan.next, 6u);
    EXPECT_FALSE(plan.has_snapshot);
    EXPECT_FALSE(plan.is_after_restart);
  }
}

TEST_F(PlanEventStreamTest, AtEarliestItBeginsWithWhatIsRetained) {
  EXPECT_EQ(Plan(StartAt(v1::START_AT_EARLIEST)).next, 1u);
  clock_.Advance(3'600'001);
  log_.TrimAge();
  AppendTo(log_, 1);
  EXPECT_EQ(Plan(StartAt(v1::START_AT_EARLIEST)).next, 6u) << "no gap: nothing was asked for";
}

TEST_F(PlanEventStreamTest, ACursorIsResumedBehind) {
  for (uint64_t sequence = 0; sequence <= 5; ++sequence) {
    const EventStreamPlan plan = Plan(After("log", sequence));
    EXPECT_EQ(plan.next, sequence + 1);
    EXPECT_FALSE(plan.has_snapshot);
  }
}

TEST_F(PlanEventStreamTest, ACursorBeyondTheHeadIsRefused) {
  EXPECT_EQ(ReasonOf(After("log", 6)), "CURSOR_BEYOND_HEAD");
  EXPECT_EQ(ReasonOf(After("log", UINT64_MAX)), "CURSOR_BEYOND_HEAD");
}

TEST_F(PlanEventStreamTest, ACursorOfAnotherLogBringsTheRestartAndASnapshot) {
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{3}, UINT64_MAX}) {
    const EventStreamPlan plan = Plan(After("the log before", sequence));
    EXPECT_TRUE(plan.is_after_restart);
    EXPECT_TRUE(plan.has_snapshot);
  }
}

TEST_F(PlanEventStreamTest, ACursorWithoutItsLogIsRefused) {
  EXPECT_EQ(ReasonOf(After("", 3)), "BAD_CURSOR");
}

TEST_F(PlanEventStreamTest, ASnapshotSaysItselfWhereToGoOn) {
  const EventStreamPlan plan = Plan(StartAt(v1::START_AT_SNAPSHOT));
  EXPECT_TRUE(plan.has_snapshot);
  EXPECT_FALSE(plan.is_after_restart);
}

TEST_F(PlanEventStreamTest, APlaceThatIsNoneIsRefused) {
  EXPECT_EQ(ReasonOf(StartAt(static_cast<v1::StartAt>(77))), "START_INVALID");
}

TEST_F(PlanEventStreamTest, WithoutTypesAllAreWanted) {
  const EventStreamPlan plan = Plan({});
  for (const int type : {v1::EVENT_TYPE_ENTER, v1::EVENT_TYPE_ROUTE, v1::EVENT_TYPE_LEAVE}) {
    EXPECT_NE(plan.feed.filter.types & 1 << type, 0);
  }
  EXPECT_FALSE(plan.feed.filter.include_silent);
}

TEST_F(PlanEventStreamTest, TypesAreThoseThatAreNamed) {
  v1::SubscribeEventsRequest request;
  request.add_types(v1::EVENT_TYPE_LEAVE);
  request.add_types(v1::EVENT_TYPE_ENTER);
  request.add_types(v1::EVENT_TYPE_LEAVE);
  request.set_include_silent(true);
  const EventStreamPlan plan = Plan(request);
  EXPECT_EQ(plan.feed.filter.types, 1 << v1::EVENT_TYPE_LEAVE | 1 << v1::EVENT_TYPE_ENTER);
  EXPECT_TRUE(plan.feed.filter.include_silent);
}

TEST_F(PlanEventStreamTest, ATypeThatIsNoneIsRefused) {
  for (const int type : {0, 4, 8, 77, -1, 32}) {
    v1::SubscribeEventsRequest request;
    request.add_types(v1::EVENT_TYPE_ENTER);
    request.add_types(static_cast<v1::EventType>(type));
    EXPECT_EQ(ReasonOf(request), "BAD_EVENT_TYPE") << type;
  }
}

TEST_F(PlanEventStreamTest, WithoutAGroupTheWholeLogIsRead) {
  const EventStreamPlan plan = Plan({});
  EXPECT_EQ(plan.group, "");
  EXPECT_EQ(plan.feed.partitions, 0u);
  EXPECT_FALSE(plan.feed.manual_ack);
}

v1::SubscribeEventsRequest InGroup(v1::SubscribeEventsRequest request = {}) {
  request.set_consumer_group("workers");
  return request;
}

TEST_F(PlanEventStreamTest, AGroupBeginsAtTheSamePlaces) {
  EXPECT_EQ(Plan(InGroup()).group_start.after, 5u);
  EXPECT_EQ(Plan(InGroup(StartAt(v1::START_AT_EARLIEST))).group_start.after, 0u);
  EXPECT_EQ(Plan(InGroup(After("log", 3))).group_start.after, 3u);
  EXPECT_EQ(Plan(InGroup()).feed.partitions, kPartitions);
  EXPECT_FALSE(Plan(InGroup()).group_start.is_after_restart);
  EXPECT_FALSE(Plan(InGroup()).group_start.refusal);
}

TEST_F(PlanEventStreamTest, AGroupAfterARestartBeginsWithWhatIsRetained) {
  const EventStreamPlan plan = Plan(InGroup(After("the log before", 99)));
  EXPECT_TRUE(plan.group_start.is_after_restart);
  EXPECT_FALSE(plan.has_snapshot);
  EXPECT_EQ(plan.group_start.after, 0u);
}

TEST_F(PlanEventStreamTest, ACursorBeyondTheHeadOnlyMattersToANewGroup) {
  const EventStreamPlan plan = Plan(InGroup(After("log", 6)));
  ASSERT_TRUE(plan.group_start.refusal);
  EXPECT_EQ(plan.group_start.refusal->reason, Reason::kCursorBeyondHead);
}

TEST_F(PlanEventStreamTest, AGroupHasNoSnapshot) {
  EXPECT_EQ(ReasonOf(InGroup(StartAt(v1::START_AT_SNAPSHOT))), "START_INVALID");
}

TEST_F(PlanEventStreamTest, AGroupsNameIsChecked) {
  for (const std::string& name : {std::string("a b"), std::string("a/b"), std::string("\xc3\xa4"),
                                  std::string(65, 'a'), std::string(1, '\0')}) {
    v1::SubscribeEventsRequest request;
    request.set_consumer_group(name);
    EXPECT_EQ(ReasonOf(request), "BAD_GROUP_NAME") << name;
  }
  for (const std::string& name : {std::string("A-z_0.9"), std::string(64, 'a'), std::string(".")}) {
    v1::SubscribeEventsRequest request;
    request.set_consumer_group(name);
    EXPECT_EQ(Plan(request).group, name);
  }
}

TEST_F(PlanEventStreamTest, AcknowledgementsHaveTheirDefaultsAndBounds) {
  v1::SubscribeEventsRequest request;
  request.set_manual_ack(true);
  EXPECT_TRUE(Plan(request).feed.manual_ack);
  EXPECT_EQ(Plan(request).feed.unacked_events_max, 1'000u);
  EXPECT_EQ(Plan(request).feed.ack_timeout_millis, 30'000);
  request.set_unacked_events_max(7);
  request.mutable_ack_timeout()->set_seconds(2);
  request.mutable_ack_timeout()->set_nanos(500'000'000);
  EXPECT_EQ(Plan(request).feed.unacked_events_max, 7u);
  EXPECT_EQ(Plan(request).feed.ack_timeout_millis, 2'500);
  request.set_unacked_events_max(UINT32_MAX);
  request.mutable_ack_timeout()->set_seconds(INT64_MAX);
  EXPECT_EQ(Plan(request).feed.unacked_events_max, kUnackedEventsMax);
  EXPECT_EQ(Plan(request).feed.ack_timeout_millis, kAckTimeoutMillisMax);
  // Found by fuzzing: nanoseconds of two seconds.
  request.mutable_ack_timeout()->set_nanos(2'000'000'000);
  EXPECT_EQ(Plan(request).feed.ack_timeout_millis, kAckTimeoutMillisMax);
  request.mutable_ack_timeout()->set_seconds(-1);
  EXPECT_EQ(ReasonOf(request), "ACK_INVALID");
}

}  // namespace
}  // namespace longwire
