#include "client/src/route_queue.h"

#include <gtest/gtest.h>

#include "client/src/route_check.h"

namespace longwire::client::internal {
namespace {

using TimePoint = RouteQueue::TimePoint;

v1::RouteRequest Route(int64_t session_id, std::string body = "x") {
  v1::RouteRequest route;
  route.set_session_id(session_id);
  route.mutable_message()->set_binary(std::move(body));
  return route;
}

void Add(RouteQueue* queue, v1::RouteRequest route, TimePoint now = {}) {
  const size_t bytes = route.ByteSizeLong();
  ASSERT_TRUE(queue->HasRoom(bytes));
  queue->Add(std::move(route), bytes, nullptr, now);
}

TEST(ClientRouteQueue, PutsEverythingThatWaitsIntoOneRequestInOrder) {
  RouteQueue queue({});
  for (int i = 1; i <= 5; ++i) Add(&queue, Route(i));
  ASSERT_TRUE(queue.CanTakeBatch());
  const auto request = queue.TakeBatch();
  ASSERT_EQ(request.routes_size(), 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(request.routes(i).session_id(), i + 1);
  EXPECT_FALSE(queue.CanTakeBatch());
}

TEST(ClientRouteQueue, SplitsByCount) {
  RouteQueue queue({.batch_routes_max = 2});
  for (int i = 1; i <= 3; ++i) Add(&queue, Route(i));
  EXPECT_EQ(queue.TakeBatch().routes_size(), 2);
  EXPECT_EQ(queue.TakeBatch().routes_size(), 1);
}

TEST(ClientRouteQueue, NeverMakesARequestThatTheGatewayCouldNotRead) {
  RouteQueue queue({.unanswered_bytes_max = size_t{1} << 30});
  for (int i = 0; i < 100; ++i) Add(&queue, Route(i, std::string(i * 3001, 'x')));
  int routes = 0;
  while (queue.CanTakeBatch()) {
    const auto request = queue.TakeBatch();
    EXPECT_LE(request.ByteSizeLong(), size_t{4} << 20);
    routes += request.routes_size();
  }
  EXPECT_EQ(routes, 100);
}

TEST(ClientRouteQueue, IsFullByRoutesUntilTheirHandlersHaveReturned) {
  RouteQueue queue({.unanswered_routes_max = 2});
  Add(&queue, Route(1));
  Add(&queue, Route(2));
  EXPECT_FALSE(queue.HasRoom(1));
  const uint64_t id = queue.TakeBatch().batch_id();
  EXPECT_FALSE(queue.HasRoom(1));
  ASSERT_TRUE(queue.TakeAnswered(id));
  EXPECT_FALSE(queue.HasRoom(1));
  queue.Done(id);
  EXPECT_TRUE(queue.HasRoom(1));
  EXPECT_TRUE(queue.empty());
}

TEST(ClientRouteQueue, IsFullByBytesButTakesOneRouteOfAnySizeWhenEmpty) {
  RouteQueue queue({.unanswered_bytes_max = 100});
  Add(&queue, Route(1, std::string(5000, 'x')));
  EXPECT_FALSE(queue.HasRoom(1));
}

TEST(ClientRouteQueue, LetsOnlySoManyBatchesFly) {
  RouteQueue queue({.batch_routes_max = 1, .batches_in_flight_max = 2});
  for (int i = 1; i <= 3; ++i) Add(&queue, Route(i));
  const uint64_t first = queue.TakeBatch().batch_id();
  queue.TakeBatch();
  EXPECT_FALSE(queue.CanTakeBatch());
  ASSERT_TRUE(queue.TakeAnswered(first));
  EXPECT_TRUE(queue.CanTakeBatch());
}

TEST(ClientRouteQueue, AnswersABatchOnceAndAnUnknownOneNever) {
  RouteQueue queue({});
  Add(&queue, Route(1));
  const uint64_t id = queue.TakeBatch().batch_id();
  EXPECT_FALSE(queue.TakeAnswered(id + 1));
  EXPECT_TRUE(queue.TakeAnswered(id));
  EXPECT_FALSE(queue.TakeAnswered(id));
  queue.Done(id);
  queue.Done(id);
  EXPECT_TRUE(queue.empty());
}

TEST(ClientRouteQueue, KeepsWhatWaitsWhenTheStreamBreaks) {
  RouteQueue queue({.batch_routes_max = 1});
  Add(&queue, Route(1));
  Add(&queue, Route(2));
  const uint64_t flying = queue.TakeBatch().batch_id();
  const auto lost = queue.TakeInFlight();
  ASSERT_EQ(lost.size(), 1);
  EXPECT_EQ(lost[0].batch_id, flying);
  EXPECT_EQ(lost[0].handlers.size(), 1);
  EXPECT_EQ(queue.TakeBatch().routes(0).session_id(), 2);
}

TEST(ClientRouteQueue, GivesUpWhatHasWaitedTooLong) {
  RouteQueue queue({.batch_routes_max = 1});
  const TimePoint start{};
  Add(&queue, Route(1), start);
  Add(&queue, Route(2), start + std::chrono::seconds(5));
  EXPECT_TRUE(queue.TakeWaitingSince(start).empty());
  EXPECT_EQ(queue.TakeWaitingSince(start + std::chrono::seconds(1)).size(), 1);
  EXPECT_EQ(queue.TakeBatch().routes(0).session_id(), 2);
}

TEST(ClientRouteQueue, SealSeparatesWhatIsWaitedForFromWhatComesLater) {
  RouteQueue queue({});
  EXPECT_TRUE(queue.IsDoneUpTo(queue.Seal()));
  Add(&queue, Route(1));
  const uint64_t sealed = queue.Seal();
  Add(&queue, Route(2));
  const uint64_t first = queue.TakeBatch().batch_id();
  EXPECT_EQ(first, sealed);
  EXPECT_FALSE(queue.IsDoneUpTo(sealed));
  ASSERT_TRUE(queue.TakeAnswered(first));
  EXPECT_FALSE(queue.IsDoneUpTo(sealed));
  queue.Done(first);
  EXPECT_TRUE(queue.IsDoneUpTo(sealed));
  EXPECT_FALSE(queue.empty());
}

TEST(ClientRouteCheck, RefusesWhatWouldSpoilTheWholeBatch) {
  v1::RouteRequest route;
  EXPECT_NE(WhyInvalid(route), "");
  route.set_uid("alice");
  EXPECT_NE(WhyInvalid(route), "");
  route.mutable_message()->set_text("");
  EXPECT_EQ(WhyInvalid(route), "");
  route.mutable_message()->set_text("\xFF");
  EXPECT_NE(WhyInvalid(route), "");
  route.mutable_message()->set_binary("\xFF");
  EXPECT_EQ(WhyInvalid(route), "");
  route.set_uid("\xC0\x80");
  EXPECT_NE(WhyInvalid(route), "");
  // Whether that session exists is the gateway's to say.
  route.set_session_id(0);
  EXPECT_EQ(WhyInvalid(route), "");
}

TEST(ClientRouteCheck, ReadsTheCloseReasonOfAKick) {
  v1::KickRequest kick;
  kick.set_session_id(5);
  kick.set_close_reason("bye");
  EXPECT_EQ(WhyInvalid(kick), "");
  kick.set_close_reason("\xFF");
  EXPECT_NE(WhyInvalid(kick), "");
}

}  // namespace
}  // namespace longwire::client::internal
