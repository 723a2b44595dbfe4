// What a SubscribeEventsRequest asks for. The stream itself is tested with a gateway around it, in
// tests/integration/events_test.cc.
#include "server/api/event_stream.h"
#include "server/engine/local_event_log.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

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
    auto planned = PlanEventStream(request, log_);
    const auto* plan = std::get_if<EventStreamPlan>(&planned);
    EXPECT_NE(plan, nullptr) << std::get<Refusal>(planned).ToString();
    return plan == nullptr ? EventStreamPlan() : *plan;
  }
  std::string ReasonOf(const v1::SubscribeEventsRequest& request) {
    const auto planned = PlanEventStream(request, log_);
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
    EXPECT_NE(plan.filter.types & 1 << type, 0);
  }
  EXPECT_FALSE(plan.filter.include_silent);
}

TEST_F(PlanEventStreamTest, TypesAreThoseThatAreNamed) {
  v1::SubscribeEventsRequest request;
  request.add_types(v1::EVENT_TYPE_LEAVE);
  request.add_types(v1::EVENT_TYPE_ENTER);
  request.add_types(v1::EVENT_TYPE_LEAVE);
  request.set_include_silent(true);
  const EventStreamPlan plan = Plan(request);
  EXPECT_EQ(plan.filter.types, 1 << v1::EVENT_TYPE_LEAVE | 1 << v1::EVENT_TYPE_ENTER);
  EXPECT_TRUE(plan.filter.include_silent);
}

TEST_F(PlanEventStreamTest, ATypeThatIsNoneIsRefused) {
  for (const int type : {0, 4, 8, 77, -1, 32}) {
    v1::SubscribeEventsRequest request;
    request.add_types(v1::EVENT_TYPE_ENTER);
    request.add_types(static_cast<v1::EventType>(type));
    EXPECT_EQ(ReasonOf(request), "BAD_EVENT_TYPE") << type;
  }
}

TEST_F(PlanEventStreamTest, WhatThisVersionDoesNotHaveIsRefusedRatherThanIgnored) {
  v1::SubscribeEventsRequest group;
  group.set_consumer_group("workers");
  EXPECT_EQ(ReasonOf(group), "NOT_SUPPORTED");
  v1::SubscribeEventsRequest ack;
  ack.set_manual_ack(true);
  EXPECT_EQ(ReasonOf(ack), "NOT_SUPPORTED");
}

}  // namespace
}  // namespace longwire
