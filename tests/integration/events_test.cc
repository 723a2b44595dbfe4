// SubscribeEvents: where a subscription begins, what it is sent, and what it is told of its place.
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Seen = EventCollector::Seen;

class Events : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
  }

  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/?uid=" + uid)); }

  // Sends a message and waits until it is in the log. Returns its event.
  v1::Event Say(Peer& peer, const std::string& text) {
    peer.ws.SendText(text);
    v1::Event event = events().Next(v1::EVENT_TYPE_ROUTE);
    EXPECT_EQ(event.routed().message().text(), text);
    return event;
  }

  RpcOutcome OutcomeOf(const v1::SubscribeEventsRequest& request) {
    EventCollector collector(stub(), request);
    EXPECT_TRUE(collector.WaitForEnd());
    return collector.seen().outcome;
  }
};

std::vector<uint64_t> Sequences(const Seen& seen) {
  return test::Sequences(seen.events);
}

TEST_F(Events, BeginWithAResponseAtOnce) {
  EventCollector first(stub(), From(v1::START_AT_LATEST));
  EventCollector second(stub(), From(v1::START_AT_LATEST));
  EXPECT_NE(first.seen().log_id, "");
  EXPECT_EQ(first.seen().log_id, second.seen().log_id);
  EXPECT_GT(first.seen().subscription_id, 0);
  EXPECT_NE(first.seen().subscription_id, second.seen().subscription_id);
  EXPECT_THAT(first.seen().events, IsEmpty());
}

TEST_F(Events, OfASessionAreEnterRouteLeave) {
  Peer& peer = JoinAs("alice");
  Say(peer, "one");
  Say(peer, "two");
  peer.ws.SendClose(1000);
  NextLeaveOf(peer);
  const Seen seen = events().seen();
  ASSERT_THAT(seen.events, SizeIs(4));
  EXPECT_TRUE(
      std::is_sorted(seen.events.begin(), seen.events.end(),
                     [](const auto& a, const auto& b) { return a.sequence() < b.sequence(); }));
  for (const v1::Event& event : seen.events) {
    EXPECT_EQ(event.session_id(), peer.id());
    EXPECT_EQ(event.uid(), "alice");
    EXPECT_GT(event.time().seconds(), 0);
  }
}

TEST_F(Events, OfBinaryMessagesStayBinary) {
  Peer& peer = JoinAs("alice");
  peer.ws.SendBinary(std::string("\x00\xff", 2));
  const v1::Event event = events().Next(v1::EVENT_TYPE_ROUTE);
  EXPECT_EQ(event.routed().message().binary(), std::string("\x00\xff", 2));
  EXPECT_EQ(event.routed().command(), "");
}

TEST_F(Events, FromLatestAreTheNextOnes) {
  Peer& peer = JoinAs("alice");
  Say(peer, "before");
  EventCollector late(stub(), From(v1::START_AT_LATEST));
  Say(peer, "after");
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "after");
}

TEST_F(Events, WithoutAStartAreTheNextOnes) {
  Peer& peer = JoinAs("alice");
  EventCollector late(stub(), v1::SubscribeEventsRequest());
  Say(peer, "after");
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "after");
}

TEST_F(Events, FromEarliestAreAll) {
  Peer& peer = JoinAs("alice");
  Say(peer, "before");
  EventCollector late(stub(), From(v1::START_AT_EARLIEST));
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ENTER).session_id(), peer.id());
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "before");
  EXPECT_THAT(late.seen().gaps, IsEmpty());
}

TEST_F(Events, FromACursorAreThoseBehindIt) {
  Peer& peer = JoinAs("alice");
  const v1::Event one = Say(peer, "one");
  Say(peer, "two");
  EventCollector late(stub(), From(CursorAt(events().seen().log_id, one.sequence())));
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "two");
  EXPECT_THAT(late.seen().gaps, IsEmpty());
}

TEST_F(Events, FromACursorOfZeroAreAll) {
  Peer& peer = JoinAs("alice");
  EventCollector late(stub(), From(CursorAt(events().seen().log_id, 0)));
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ENTER).session_id(), peer.id());
}

TEST_F(Events, FromTheHeadAreTheNextOnes) {
  Peer& peer = JoinAs("alice");
  ASSERT_TRUE(events().WaitUntilCaughtUp());
  EventCollector late(stub(), From(events().cursor()));
  Say(peer, "next");
  EXPECT_EQ(late.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "next");
}

TEST_F(Events, AreNotMissedBySomeoneWhoComesBackWithTheCursor) {
  Peer& peer = JoinAs("alice");
  auto reader = std::make_unique<EventCollector>(stub(), From(v1::START_AT_EARLIEST));
  std::vector<uint64_t> got;
  for (int i = 0; i < 20; ++i) {
    const v1::Event said = Say(peer, std::to_string(i));
    ASSERT_TRUE(reader->WaitFor([&](const Seen& seen) { return seen.covered >= said.sequence(); }));
    const Seen seen = reader->seen();
    for (const uint64_t sequence : Sequences(seen)) got.push_back(sequence);
    const v1::Cursor cursor = reader->cursor();
    reader.reset();
    reader = std::make_unique<EventCollector>(stub(), From(cursor));
  }
  EXPECT_EQ(got, Sequences(events().seen()));
}

TEST_F(Events, AreOnlyOfTheTypesAskedFor) {
  v1::SubscribeEventsRequest request = From(v1::START_AT_EARLIEST);
  request.add_types(v1::EVENT_TYPE_LEAVE);
  request.add_types(v1::EVENT_TYPE_ENTER);
  EventCollector filtered(stub(), request);
  Peer& peer = JoinAs("alice");
  Say(peer, "not for you");
  peer.ws.SendClose(1000);
  NextLeaveOf(peer);
  filtered.Next(v1::EVENT_TYPE_ENTER);
  filtered.Next(v1::EVENT_TYPE_LEAVE);
  // What was left out is covered, too.
  EXPECT_TRUE(filtered.WaitUntilCaughtUp());
}

TEST_F(Events, TellTheirPlaceAndTheEndOfTheLog) {
  Peer& peer = JoinAs("alice");
  const v1::Event said = Say(peer, "x");
  ASSERT_TRUE(events().WaitUntilCaughtUp());
  const Seen seen = events().seen();
  EXPECT_GE(seen.covered, said.sequence());
  EXPECT_EQ(seen.covered, seen.head);
  EXPECT_FALSE(seen.covered_went_back);
}

TEST_F(Events, TellTheirPlaceWithin15SecondsAlsoWhenNothingWasAskedFor) {
  v1::SubscribeEventsRequest request = From(v1::START_AT_LATEST);
  request.add_types(v1::EVENT_TYPE_LEAVE);
  EventCollector filtered(stub(), request);
  Peer& peer = JoinAs("alice");
  const v1::Event said = Say(peer, "not for you");
  EXPECT_TRUE(filtered.WaitFor(
      [&](const Seen& seen) { return seen.covered >= said.sequence() && seen.responses >= 2; },
      Millis(20'000)));
  EXPECT_THAT(filtered.seen().events, IsEmpty());
}

TEST_F(Events, AreTheSameForManySubscribers) {
  std::vector<std::unique_ptr<EventCollector>> subscribers;
  for (int i = 0; i < 20; ++i) {
    subscribers.push_back(std::make_unique<EventCollector>(stub(), From(v1::START_AT_EARLIEST)));
  }
  for (int i = 0; i < 10; ++i) {
    Peer& peer = JoinAs("user" + std::to_string(i));
    for (int k = 0; k < 20; ++k) Say(peer, std::to_string(k));
    peer.ws.Abort();
    NextLeaveOf(peer);
  }
  const std::vector<uint64_t> all = Sequences(events().seen());
  EXPECT_THAT(all, SizeIs(220));
  for (const auto& subscriber : subscribers) {
    ASSERT_TRUE(subscriber->WaitForEvents(all.size()));
    EXPECT_EQ(Sequences(subscriber->seen()), all);
  }
}

TEST_F(Events, ComeInResponsesOfAtMostOneMiB) {
  Peer& peer = JoinAs("alice");
  const std::string big(60'000, 'b');
  for (int i = 0; i < 100; ++i) peer.ws.SendText(big);
  ASSERT_TRUE(events().WaitForEvents(101));
  EventCollector late(stub(), From(v1::START_AT_EARLIEST));
  ASSERT_TRUE(late.WaitForEvents(101));
  EXPECT_LE(late.seen().largest_response_bytes, 1024u * 1024);
  EXPECT_LT(late.seen().responses, 50u) << "they should come many in a response";
}

// A subscriber that stops reading must cost the others nothing; when it reads again it gets all.
TEST_F(Events, OnlyLagForASubscriberThatStopsReading) {
  TestGateway& it = gateway();
  const auto stuck_stub = v1::Gateway::NewStub(it.NewChannel());
  EventCollector stuck(*stuck_stub, From(v1::START_AT_LATEST));
  stuck.PauseReading();
  Peer& peer = JoinAs("alice");
  const std::string big(60'000, 'b');
  constexpr int kMessages = 300;  // 18 MB: far more than the stream's flow control lets through.
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(peer.ws.SendText(big));
  ASSERT_TRUE(events().WaitForEvents(kMessages + 1));
  EXPECT_LT(stuck.seen().events.size(), size_t{kMessages});
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))), ReachedSessions(1));
  stuck.ResumeReading();
  ASSERT_TRUE(stuck.WaitForEvents(kMessages + 1));
  EXPECT_THAT(stuck.seen().gaps, IsEmpty());
  EXPECT_TRUE(stuck.WaitUntilCaughtUp());
}

TEST_F(Events, GoOnForOthersWhenASubscriberGoes) {
  Peer& peer = JoinAs("alice");
  for (int i = 0; i < 20; ++i) {
    EventCollector brief(stub(), From(v1::START_AT_EARLIEST));
    peer.ws.SendText(std::to_string(i));
  }
  EXPECT_TRUE(events().WaitForEvents(21));
}

class EventsRefusal : public Events {};

TEST_F(EventsRefusal, MeetsACursorBeyondTheHead) {
  JoinAs("alice");
  ASSERT_TRUE(events().WaitUntilCaughtUp());
  const Seen seen = events().seen();
  EXPECT_THAT(OutcomeOf(From(CursorAt(seen.log_id, seen.head + 1))),
              IsRefusal(StatusCode::OUT_OF_RANGE, "CURSOR_BEYOND_HEAD"));
  EXPECT_THAT(OutcomeOf(From(CursorAt(seen.log_id, UINT64_MAX))),
              IsRefusal(StatusCode::OUT_OF_RANGE, "CURSOR_BEYOND_HEAD"));
}

TEST_F(EventsRefusal, MeetsACursorWithoutALog) {
  EXPECT_THAT(OutcomeOf(From(CursorAt("", 1))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_CURSOR"));
}

TEST_F(EventsRefusal, MeetsAStartThatDoesNotExist) {
  EXPECT_THAT(OutcomeOf(From(static_cast<v1::StartAt>(77))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "START_INVALID"));
}

TEST_F(EventsRefusal, MeetsATypeThatDoesNotExist) {
  for (const int type : {0, 4, -1}) {
    v1::SubscribeEventsRequest request = From(v1::START_AT_LATEST);
    request.add_types(static_cast<v1::EventType>(type));
    EXPECT_THAT(OutcomeOf(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_EVENT_TYPE"))
        << type;
  }
}

class Commands : public GatewayTest {};

TEST_F(Commands, StandApartFromTheBody) {
  Options options = TestGateway::QuickOptions();
  options.protocol = ProtocolKind::kCommand;
  Start(options);
  Peer& peer = Join();
  const struct {
    const char* sent;
    const char* command;
    const char* body;
  } kCases[] = {{"say hello you", "say", "hello you"},
                {"quit", "quit", ""},
                {"say ", "say", ""},
                {" body", "", "body"},
                {"", "", ""}};
  for (const auto& c : kCases) {
    peer.ws.SendText(c.sent);
    const v1::Event event = events().Next(v1::EVENT_TYPE_ROUTE);
    EXPECT_EQ(event.routed().command(), c.command) << c.sent;
    EXPECT_TRUE(event.routed().message().has_text()) << c.sent;
    EXPECT_EQ(event.routed().message().text(), c.body) << c.sent;
  }
  // What goes down goes as it is.
  Route(RouteTo(peer.id(), TextMessage("said hello")));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("said hello"));
}

TEST_F(Commands, ThatAreNotUtf8CloseWith1007) {
  Options options = TestGateway::QuickOptions();
  options.protocol = ProtocolKind::kCommand;
  Start(options);
  Peer& peer = Join();
  peer.ws.SendBinary("caf\xe9 body");
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1007));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_PROTOCOL_ERROR, 1007));
}

}  // namespace
}  // namespace longwire::test
