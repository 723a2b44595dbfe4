// Route and Kick, by session ID and by uid, and everything they refuse.
#include <memory>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;

constexpr size_t kMessageBytesMax = 100'000;

class Routing : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.message_bytes_max = kMessageBytesMax;
    options.outbox_bytes_max = 2 * kMessageBytesMax;
    options.duplicate_login = DuplicateLogin::kAllow;
    Start(options, {.auth = std::make_shared<QueryAuth>()});
  }

  // A session of `uid` whose client has read its first message.
  Peer& JoinAs(const std::string& uid) {
    Peer& peer = Join(HttpRequest::Upgrade("/?uid=" + uid));
    EXPECT_EQ(peer.ws.Receive(), Received::Text(std::to_string(peer.id())));
    return peer;
  }
};

TEST_F(Routing, ReachesASessionById) {
  Peer& peer = JoinAs("alice");
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("hällo"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("hällo"));
}

TEST_F(Routing, KeepsTextAndBinaryApart) {
  Peer& peer = JoinAs("alice");
  const std::string bytes("\x00\xff\x80", 3);
  Route(RouteTo(peer.id(), BinaryMessage(bytes)));
  EXPECT_EQ(peer.ws.Receive(), Received::Binary(bytes));
}

TEST_F(Routing, PassesEmptyMessages) {
  Peer& peer = JoinAs("alice");
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage(""))), ReachedSessions(1));
  EXPECT_THAT(Route(RouteTo(peer.id(), BinaryMessage(""))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text(""));
  EXPECT_EQ(peer.ws.Receive(), Received::Binary(""));
}

TEST_F(Routing, UsesEachLengthFormOfAFrame) {
  Peer& peer = JoinAs("alice");
  for (const size_t bytes : {125, 126, 127, 65'535, 65'536}) {
    const std::string text(bytes, 't');
    EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage(text))), ReachedSessions(1)) << bytes;
    EXPECT_EQ(peer.ws.Receive(), Received::Text(text));
  }
}

TEST_F(Routing, ReachesAllSessionsOfAUid) {
  Peer& first = JoinAs("alice");
  Peer& second = JoinAs("alice");
  Peer& other = JoinAs("bob");
  const RpcOutcome outcome = Route(RouteTo("alice", TextMessage("all of you")));
  EXPECT_THAT(outcome, ReachedSessions(2));
  EXPECT_EQ(outcome.failed_count, 0u);
  EXPECT_EQ(first.ws.Receive(), Received::Text("all of you"));
  EXPECT_EQ(second.ws.Receive(), Received::Text("all of you"));
  EXPECT_EQ(other.ws.Receive(kQuiet).kind, Received::Kind::kTimeout);
}

TEST_F(Routing, KeepsTheOrderOfOneCaller) {
  Peer& peer = JoinAs("alice");
  for (int i = 0; i < 100; ++i) Route(RouteTo(peer.id(), TextMessage(std::to_string(i))));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(peer.ws.Receive(), Received::Text(std::to_string(i)));
}

TEST_F(Routing, RefusesAnUnsetTarget) {
  v1::RouteRequest request;
  *request.mutable_message() = TextMessage("x");
  EXPECT_THAT(Route(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "TARGET_MISSING"));
}

TEST_F(Routing, RefusesAnEmptyUid) {
  JoinAs("");
  EXPECT_THAT(Route(RouteTo("", TextMessage("x"))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_EMPTY"));
}

TEST_F(Routing, RefusesAMessageThatIsMissingOrHasNoBody) {
  const Peer& peer = JoinAs("alice");
  v1::RouteRequest request;
  request.set_session_id(peer.id());
  EXPECT_THAT(Route(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "MESSAGE_MISSING"));
  request.mutable_message();
  EXPECT_THAT(Route(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "MESSAGE_MISSING"));
}

TEST_F(Routing, RefusesAMessageAboveTheMaximum) {
  Peer& peer = JoinAs("alice");
  const std::string longest(kMessageBytesMax, 'x');
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage(longest))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text(longest));
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage(longest + "x"))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "MESSAGE_TOO_BIG"));
  EXPECT_THAT(Route(RouteTo("alice", BinaryMessage(longest + "x"))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "MESSAGE_TOO_BIG"));
}

TEST_F(Routing, RefusesAUidAbove128Bytes) {
  EXPECT_THAT(Route(RouteTo(std::string(128, 'u'), TextMessage("x"))),
              IsRefusal(StatusCode::NOT_FOUND, "UID_OFFLINE"));
  EXPECT_THAT(Route(RouteTo(std::string(129, 'u'), TextMessage("x"))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_INVALID"));
  EXPECT_THAT(Kick(KickOf(std::string(129, 'u'))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_INVALID"));
}

TEST_F(Routing, FindsNoSessionThatNeverWas) {
  JoinAs("alice");
  for (const int64_t id : {int64_t{1}, int64_t{0}, int64_t{-1}, int64_t{123}, INT64_MAX, INT64_MIN,
                           int64_t{1} << 12, int64_t{1023} << 12}) {
    EXPECT_THAT(Route(RouteTo(id, TextMessage("x"))),
                IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"))
        << id;
    EXPECT_THAT(Kick(KickOf(id)), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE")) << id;
  }
}

TEST_F(Routing, FindsNoSessionThatHasLeft) {
  Peer& peer = JoinAs("alice");
  peer.ws.SendClose(1000);
  NextLeaveOf(peer);
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))),
              IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
}

TEST_F(Routing, FindsNoUidThatIsNotThere) {
  JoinAs("alice");
  EXPECT_THAT(Route(RouteTo("nobody", TextMessage("x"))),
              IsRefusal(StatusCode::NOT_FOUND, "UID_OFFLINE"));
  EXPECT_THAT(Kick(KickOf("nobody")), IsRefusal(StatusCode::NOT_FOUND, "UID_OFFLINE"));
}

TEST_F(Routing, SaysWhichSessionWasNotFound) {
  EXPECT_THAT(Route(RouteTo(int64_t{4711}, TextMessage("x"))).text, ::testing::HasSubstr("4711"));
}

class Kicking : public Routing {};

TEST_F(Kicking, ClosesWith1000UnlessACodeIsGiven) {
  Peer& peer = JoinAs("alice");
  EXPECT_THAT(Kick(KickOf(peer.id())), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Close(1000));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_KICKED, 1000));
}

TEST_F(Kicking, TakesEachCodeThatTheContractNames) {
  for (const uint32_t code : {1000, 1001, 1008, 1011, 1012, 1013, 3000, 3999, 4000, 4999}) {
    Peer& peer = JoinAs("alice");
    EXPECT_THAT(Kick(KickOf(peer.id(), code, "because")), ReachedSessions(1)) << code;
    EXPECT_EQ(peer.ws.Receive(), Received::Close(static_cast<uint16_t>(code), "because"));
    EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_KICKED, code));
  }
}

TEST_F(Kicking, RefusesEveryOtherCode) {
  const Peer& peer = JoinAs("alice");
  for (const uint32_t code : {1u, 999u, 1002u, 1003u, 1004u, 1005u, 1006u, 1007u, 1009u, 1010u,
                              1014u, 1015u, 2999u, 5000u, 65'536u + 1000u, UINT32_MAX}) {
    EXPECT_THAT(Kick(KickOf(peer.id(), code)),
                IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_CLOSE_CODE"))
        << code;
  }
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Kicking, TakesAReasonOf123BytesAndNoLonger) {
  Peer& peer = JoinAs("alice");
  EXPECT_THAT(Kick(KickOf(peer.id(), 4000, std::string(124, 'r'))),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_CLOSE_REASON"));
  EXPECT_THAT(Kick(KickOf(peer.id(), 4000, std::string(123, 'r'))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Close(4000, std::string(123, 'r')));
}

TEST_F(Kicking, RefusesAnUnsetTargetAndAnEmptyUid) {
  EXPECT_THAT(Kick({}), IsRefusal(StatusCode::INVALID_ARGUMENT, "TARGET_MISSING"));
  EXPECT_THAT(Kick(KickOf("")), IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_EMPTY"));
}

TEST_F(Kicking, ClosesAllSessionsOfAUid) {
  Peer& first = JoinAs("alice");
  Peer& second = JoinAs("alice");
  JoinAs("bob");
  EXPECT_THAT(Kick(KickOf("alice", 4001)), ReachedSessions(2));
  EXPECT_THAT(first.ws.Receive(), IsClose(4001));
  EXPECT_THAT(second.ws.Receive(), IsClose(4001));
  EXPECT_TRUE(events().WaitForLeaves(2));
  EXPECT_THAT(Route(RouteTo("bob", TextMessage("x"))), ReachedSessions(1));
}

TEST_F(Kicking, SendsWhatWasQueuedFirst) {
  Peer& peer = JoinAs("alice");
  for (int i = 0; i < 100; ++i) Route(RouteTo(peer.id(), TextMessage(std::to_string(i))));
  Kick(KickOf(peer.id(), 4000));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(peer.ws.Receive(), Received::Text(std::to_string(i)));
  EXPECT_THAT(peer.ws.Receive(), IsClose(4000));
}

TEST_F(Kicking, SendsWhatWasQueuedFirstAlsoToAClientThatReadsLate) {
  Peer& peer = Join(HttpRequest::Upgrade("/?uid=alice"), {.receive_buffer_bytes = 4096});
  size_t accepted = 0;
  while (Route(RouteTo(peer.id(), BinaryMessage(std::string(30'000, 'x')))).ok()) ++accepted;
  EXPECT_THAT(Kick(KickOf(peer.id(), 4000)), ReachedSessions(1));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_KICKED, 4000));
  EXPECT_EQ(peer.ws.Receive(), Received::Text(std::to_string(peer.id())));
  for (size_t i = 0; i < accepted; ++i) {
    ASSERT_EQ(peer.ws.Receive().kind, Received::Kind::kBinary) << i << " of " << accepted;
  }
  EXPECT_THAT(peer.ws.Receive(), IsClose(4000));
}

TEST_F(Kicking, ThatIsAnsweredLetsNothingFollow) {
  Peer& peer = JoinAs("alice");
  EXPECT_THAT(Kick(KickOf(peer.id())), ReachedSessions(1));
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))),
              IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_THAT(Kick(KickOf(peer.id())), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
  peer.ws.SendText("x");
  NextLeaveOf(peer);
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Kicking, SilentlyTellsOnlyThoseWhoAskForIt) {
  v1::SubscribeEventsRequest request = From(v1::START_AT_LATEST);
  request.set_include_silent(false);
  EventCollector others(stub(), request);
  Peer& peer = JoinAs("alice");
  v1::KickRequest kick = KickOf(peer.id(), 4000, "quietly");
  kick.set_silent(true);
  EXPECT_THAT(Kick(kick), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Close(4000, "quietly"));
  const v1::Leave leave = NextLeaveOf(peer);
  EXPECT_TRUE(leave.silent());
  EXPECT_EQ(leave.close_reason(), "quietly");
  // The next session's ENTER is the next thing that the others hear of.
  const Peer& next = JoinAs("bob");
  others.Next(v1::EVENT_TYPE_ENTER);
  EXPECT_EQ(others.Next(v1::EVENT_TYPE_ENTER).session_id(), next.id());
}

}  // namespace
}  // namespace longwire::test
