#include "client/src/position.h"

#include <gtest/gtest.h>

namespace longwire::client::internal {
namespace {

v1::SubscribeEventsResponse Response(const char* log_id, uint64_t covered, uint64_t head) {
  v1::SubscribeEventsResponse response;
  response.set_log_id(log_id);
  response.set_covered(covered);
  response.set_head(head);
  return response;
}

v1::Event LiveEvent(uint64_t sequence) {
  v1::Event event;
  event.set_sequence(sequence);
  return event;
}

v1::SubscribeEventsRequest Reopen(Position* position) {
  v1::SubscribeEventsRequest request;
  position->OpenStream(&request);
  return request;
}

void Feed(Position* position, const v1::SubscribeEventsResponse& response) {
  position->BeginResponse(response);
  for (const v1::Event& event : response.events()) position->Handled(event);
  if (response.snapshot_done()) position->SnapshotDone();
  position->EndResponse(response);
}

TEST(SubscriptionPosition, StartsWhereItIsToldAndThenBehindWhatIsCovered) {
  Position position({.start_at = v1::START_AT_EARLIEST});
  const auto first = Reopen(&position);
  EXPECT_EQ(first.start_at(), v1::START_AT_EARLIEST);
  EXPECT_EQ(position.cursor(), std::nullopt);

  Feed(&position, Response("log", 40, 50));
  EXPECT_EQ(position.cursor(), (Cursor{"log", 40}));
  EXPECT_EQ(position.lag(), 10);

  const auto second = Reopen(&position);
  EXPECT_EQ(second.after().log_id(), "log");
  EXPECT_EQ(second.after().sequence(), 40);
}

TEST(SubscriptionPosition, StandsOnTheLastEventHandledWhenTheStreamBreaksWithinAResponse) {
  Position position({});
  Reopen(&position);
  Feed(&position, Response("log", 10, 10));
  position.BeginResponse(Response("log", 20, 20));
  position.Handled(LiveEvent(11));
  position.Handled(LiveEvent(12));
  EXPECT_EQ(Reopen(&position).after().sequence(), 12);
}

TEST(SubscriptionPosition, ProgressesWithoutEvents) {
  Position position({.types = {v1::EVENT_TYPE_LEAVE}});
  Reopen(&position);
  Feed(&position, Response("log", 10, 10));
  Feed(&position, Response("log", 900, 900));
  EXPECT_EQ(Reopen(&position).after().sequence(), 900);
  EXPECT_EQ(position.lag(), 0);
}

TEST(SubscriptionPosition, DoesNotGoBack) {
  Position position({});
  Reopen(&position);
  Feed(&position, Response("log", 10, 10));
  Feed(&position, Response("log", 5, 10));
  EXPECT_EQ(position.cursor(), (Cursor{"log", 10}));
}

TEST(SubscriptionPosition, BeginsASnapshotAnewWhenItBrokeHalfWay) {
  Position position({.start_at = v1::START_AT_SNAPSHOT});
  Reopen(&position);
  v1::SubscribeEventsResponse half = Response("log", 10, 10);
  half.add_events()->set_snapshot(true);
  Feed(&position, half);
  EXPECT_EQ(position.cursor(), std::nullopt);
  EXPECT_EQ(Reopen(&position).start_at(), v1::START_AT_SNAPSHOT);

  v1::SubscribeEventsResponse whole = Response("log", 10, 10);
  whole.set_snapshot_done(true);
  Feed(&position, whole);
  EXPECT_EQ(position.cursor(), (Cursor{"log", 10}));
  EXPECT_EQ(Reopen(&position).after().sequence(), 10);
}

TEST(SubscriptionPosition, KeepsTheOldLogsCursorUntilTheSnapshotAfterARestartIsComplete) {
  Position position({.after = Cursor{"old", 500}});
  EXPECT_EQ(Reopen(&position).after().log_id(), "old");
  v1::SubscribeEventsResponse gap = Response("new", 3, 3);
  gap.mutable_gap()->set_reason(v1::GAP_REASON_RESTART);
  Feed(&position, gap);
  EXPECT_EQ(position.cursor(), (Cursor{"old", 500}));
  EXPECT_EQ(position.lag(), 0);

  // The stream breaks: the same question again brings the same gap and a whole snapshot.
  EXPECT_EQ(Reopen(&position).after().log_id(), "old");
  Feed(&position, gap);
  v1::SubscribeEventsResponse done = Response("new", 3, 4);
  done.set_snapshot_done(true);
  Feed(&position, done);
  // A smaller sequence than before, and yet further: another log.
  EXPECT_EQ(position.cursor(), (Cursor{"new", 3}));
  EXPECT_EQ(position.lag(), 1);
}

TEST(SubscriptionPosition, OfAGroupStandsOnlyOnWhatIsCovered) {
  Position position({.consumer_group = "workers"});
  Reopen(&position);
  v1::SubscribeEventsResponse response = Response("log", 10, 30);
  *response.add_events() = LiveEvent(25);
  Feed(&position, response);
  EXPECT_EQ(position.cursor(), (Cursor{"log", 10}));
}

TEST(SubscriptionPosition, OfAGroupWaitsForNoSnapshotAfterARestart) {
  Position position({.after = Cursor{"old", 500}, .consumer_group = "workers"});
  Reopen(&position);
  v1::SubscribeEventsResponse gap = Response("new", 3, 3);
  gap.mutable_gap()->set_reason(v1::GAP_REASON_RESTART);
  Feed(&position, gap);
  EXPECT_EQ(position.cursor(), (Cursor{"new", 3}));
}

TEST(SubscriptionPosition, OfAGroupIsTheGroupsWhereverItWasToBegin) {
  Position position({.after = Cursor{"log", 500}, .consumer_group = "workers"});
  v1::SubscribeEventsRequest request;
  position.OpenStream(&request);
  v1::SubscribeEventsResponse response;
  response.set_log_id("log");
  response.set_covered(100);
  response.set_head(600);
  position.BeginResponse(response);
  position.EndResponse(response);
  EXPECT_EQ(position.lag(), 500u);
  EXPECT_EQ(position.cursor()->sequence, 100u);
}

}  // namespace
}  // namespace longwire::client::internal
