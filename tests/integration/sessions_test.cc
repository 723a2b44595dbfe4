// What backends are told of a session: its ENTER and its LEAVE.
#include <set>

#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class Sessions : public GatewayTest {
 protected:
  void SetUp() override { Start(); }
};

TEST_F(Sessions, EnterShowsPathAndQueryApart) {
  const v1::Enter enter = Join(HttpRequest::Upgrade("/room/7?color=red&size=2")).enter.enter();
  EXPECT_EQ(enter.path(), "/room/7");
  EXPECT_EQ(enter.query(), "color=red&size=2");
}

TEST_F(Sessions, EnterShowsPathAndQueryInUtf8) {
  const v1::Enter enter = Join(HttpRequest::Upgrade("/straße?q=ü")).enter.enter();
  EXPECT_EQ(enter.path(), "/straße");
  EXPECT_EQ(enter.query(), "q=ü");
}

TEST_F(Sessions, EnterShowsHeaderNamesInLowerCase) {
  const v1::Enter enter =
      Join(HttpRequest::Upgrade().Set("X-Device-ID", "Phone 7").Set("User-Agent", "test/1"))
          .enter.enter();
  EXPECT_THAT(enter.headers(), Contains(Pair("x-device-id", "Phone 7")));
  EXPECT_THAT(enter.headers(), Contains(Pair("user-agent", "test/1")));
  EXPECT_THAT(enter.headers(), Contains(Pair("host", "gateway.test")));
}

TEST_F(Sessions, EnterJoinsRepeatedHeaders) {
  const v1::Enter enter =
      Join(HttpRequest::Upgrade().Add("X-Tag", "a").Add("x-tag", "b").Add("X-TAG", "c"))
          .enter.enter();
  EXPECT_THAT(enter.headers(), Contains(Pair("x-tag", "a, b, c")));
}

TEST_F(Sessions, EnterHidesWhatCouldBeSecret) {
  const v1::Enter enter = Join(HttpRequest::Upgrade()
                                   .Set("Authorization", "Bearer secret")
                                   .Set("Proxy-Authorization", "Basic secret")
                                   .Set("Cookie", "sid=secret")
                                   .Set("Sec-WebSocket-Protocol", "secret")
                                   .Set("Sec-WebSocket-Extensions", "secret"))
                              .enter.enter();
  EXPECT_THAT(enter.headers(), Not(Contains(Key("authorization"))));
  EXPECT_THAT(enter.headers(), Not(Contains(Key("proxy-authorization"))));
  EXPECT_THAT(enter.headers(), Not(Contains(Key("cookie"))));
  EXPECT_THAT(enter.headers(), Not(Contains(Key(StartsWith("sec-websocket-")))));
  EXPECT_EQ(enter.ShortDebugString().find("secret"), std::string::npos);
}

TEST_F(Sessions, EnterCutsTheTokenFromTheQuery) {
  const struct {
    const char* target;
    const char* query;
  } kCases[] = {
      {"/?token=secret", ""},
      {"/?a=1&token=secret", "a=1"},
      {"/?token=secret&b=2", "b=2"},
      {"/?a=1&token=secret&b=2", "a=1&b=2"},
      {"/?token=secret&token=secret2&b=2", "b=2"},
      {"/?mytoken=1&token2=2&tokens", "mytoken=1&token2=2&tokens"},
      {"/?token", ""},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Join(HttpRequest::Upgrade(c.target)).enter.enter().query(), c.query) << c.target;
  }
}

TEST_F(Sessions, EnterCutsATokenWhoseNameIsEscaped) {
  const v1::Enter enter = Join(HttpRequest::Upgrade("/?a=1&%74oken=secret")).enter.enter();
  EXPECT_EQ(enter.query().find("secret"), std::string::npos) << enter.query();
}

TEST_F(Sessions, EnterShowsWhereTheClientConnectsFrom) {
  Peer& peer = Join();
  EXPECT_THAT(peer.enter.enter().remote_address(), StartsWith("127.0.0.1"));
}

TEST_F(Sessions, OfNobodyAreAnonymous) {
  const Peer& peer = Join();
  EXPECT_EQ(peer.enter.uid(), "");
  EXPECT_FALSE(peer.enter.snapshot());
  EXPECT_GT(peer.enter.sequence(), 0u);
}

TEST_F(Sessions, HaveDistinctPositiveIds) {
  std::set<int64_t> ids;
  for (int i = 0; i < 50; ++i) {
    const Peer& peer = Join();
    EXPECT_GT(peer.id(), 0);
    EXPECT_TRUE(ids.insert(peer.id()).second) << peer.id() << " twice";
    Kick(KickOf(peer.id()));
    NextLeaveOf(peer);
  }
}

TEST_F(Sessions, CarryTheTimeOfTheirEvents) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const Peer& peer = Join();
  EXPECT_NEAR(static_cast<double>(peer.enter.time().seconds()), static_cast<double>(now), 30);
}

TEST_F(Sessions, ThatTheClientClosesLeaveWithItsCodeAndReason) {
  Peer& peer = Join();
  peer.ws.SendClose(4321, "tschüß");
  const v1::Leave leave = NextLeaveOf(peer);
  EXPECT_THAT(leave, IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 4321));
  EXPECT_EQ(leave.close_reason(), "tschüß");
  EXPECT_FALSE(leave.silent());
}

TEST_F(Sessions, ThatTheClientClosesWithoutACodeLeaveWith1005) {
  Peer& peer = Join();
  peer.ws.SendClose();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 1005));
}

TEST_F(Sessions, WhoseConnectionIsResetLeaveWith1006) {
  Peer& peer = Join();
  peer.ws.Abort();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
}

TEST_F(Sessions, WhoseConnectionEndsWithoutACloseFrameLeaveWith1006) {
  Peer& peer = Join();
  peer.ws.Close();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
}

TEST_F(Sessions, WhoseConnectionEndsInsideAMessageLeaveWith1006) {
  Peer& peer = Join();
  peer.ws.Send(TextFrame("unfinished", false));
  peer.ws.Close();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
}

TEST_F(Sessions, WhoseClientHalfClosesLeaveWith1006) {
  Peer& peer = Join();
  peer.ws.socket().ShutdownWrite();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
  EXPECT_EQ(peer.ws.ReceiveEnd().kind, Received::Kind::kEof);
}

TEST_F(Sessions, WhoseClientSendsAndGoesLoseNothingItSent) {
  Peer& peer = Join();
  peer.ws.Send(TextFrame("one") + TextFrame("two"));
  peer.ws.Close();
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "one");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "two");
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
}

TEST_F(Sessions, ThatAreKickedLeaveWithTheCodeTheClientGot) {
  Peer& peer = Join();
  EXPECT_THAT(Kick(KickOf(peer.id(), 4000, "bye")), ReachedSessions(1));
  EXPECT_EQ(peer.ws.ReceiveMessage(), Received::Close(4000, "bye"));
  const v1::Leave leave = NextLeaveOf(peer);
  EXPECT_THAT(leave, IsLeave(v1::LEAVE_REASON_KICKED, 4000));
  EXPECT_EQ(leave.close_reason(), "bye");
}

// The first close frame counts: the client's answer must neither change nor repeat the LEAVE.
TEST_F(Sessions, ThatBothSidesCloseLeaveOnce) {
  Peer& peer = Join();
  Kick(KickOf(peer.id(), 4000));
  peer.ws.SendClose(1000, "me too");
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_KICKED, 4000));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4000));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Sessions, ThatAreKickedEndTheConnectionOnceTheClientAnswers) {
  Peer& peer = Join();
  Kick(KickOf(peer.id(), 4000));
  EXPECT_THAT(peer.ws.Receive(), IsClose(4000));
  peer.ws.SendClose(4000);
  EXPECT_EQ(peer.ws.Receive(Millis(3'000)), Received::Eof());
}

TEST_F(Sessions, ThatAreKickedAndNeverAnswerAreCutAfterFiveSeconds) {
  Peer& peer = Join();
  Kick(KickOf(peer.id(), 4000));
  EXPECT_THAT(peer.ws.Receive(), IsClose(4000));
  EXPECT_EQ(peer.ws.Receive(Millis(7'000)).kind, Received::Kind::kEof);
}

}  // namespace
}  // namespace longwire::test
