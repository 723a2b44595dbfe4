// --keepalive-timeout: a ping after half of it, the end after all of it.
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

constexpr int64_t kTimeoutMillis = 600;

class Keepalive : public GatewayTest {
 protected:
  void StartWith(int64_t timeout_millis) {
    Options options = TestGateway::QuickOptions();
    options.keepalive_timeout_millis = timeout_millis;
    Start(options);
  }

  // Answers with `answer` whatever comes, for three timeouts. Returns what came otherwise.
  static Received KeepAnswering(Peer& peer, const std::string& answer) {
    const Deadline enough(Millis(3 * kTimeoutMillis));
    while (!enough.Passed()) {
      const Received received = peer.ws.Receive(Millis(kTimeoutMillis / 4));
      if (received.kind != Received::Kind::kPing && received.kind != Received::Kind::kTimeout) {
        return received;
      }
      peer.ws.Send(answer);
    }
    return {};
  }
};

TEST_F(Keepalive, PingsAfterHalfOfTheTimeout) {
  StartWith(kTimeoutMillis);
  const auto began = std::chrono::steady_clock::now();
  Peer& peer = Join();
  EXPECT_EQ(peer.ws.Receive().kind, Received::Kind::kPing);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, Millis(kTimeoutMillis / 2 - 100));
}

TEST_F(Keepalive, EndsASilentSessionAfterTheTimeout) {
  StartWith(kTimeoutMillis);
  const auto began = std::chrono::steady_clock::now();
  Peer& peer = Join();
  const v1::Leave leave = NextLeaveOf(peer);
  EXPECT_EQ(leave.reason(), v1::LEAVE_REASON_KEEPALIVE_TIMEOUT) << leave.ShortDebugString();
  EXPECT_GE(std::chrono::steady_clock::now() - began, Millis(kTimeoutMillis - 100));
  const Received end = peer.ws.ReceiveMessage();
  EXPECT_TRUE(end.kind == Received::Kind::kClose || end.kind == Received::Kind::kEof)
      << ::testing::PrintToString(end);
}

TEST_F(Keepalive, PingsOnceInAPeriod) {
  StartWith(kTimeoutMillis);
  Peer& peer = Join();
  NextLeaveOf(peer);
  int pings = 0;
  while (peer.ws.Receive(kQuiet).kind == Received::Kind::kPing) ++pings;
  EXPECT_EQ(pings, 1);
}

TEST_F(Keepalive, LetsASessionLiveWhoseClientAnswersThePings) {
  StartWith(kTimeoutMillis);
  EXPECT_EQ(KeepAnswering(Join(), PongFrame()).kind, Received::Kind::kTimeout);
}

TEST_F(Keepalive, LetsASessionLiveWhoseClientSpeaks) {
  StartWith(kTimeoutMillis);
  EXPECT_EQ(KeepAnswering(Join(), TextFrame("still here")).kind, Received::Kind::kTimeout);
}

// Traffic means bytes, not messages: a big message over a slow link is no silence.
TEST_F(Keepalive, LetsASessionLiveWhoseClientSendsPartsOfAFrame) {
  StartWith(kTimeoutMillis);
  Peer& peer = Join();
  peer.ws.Send(Frame{.op = Op::kBinary, .announced_length = 60'000}.Bytes());
  EXPECT_EQ(KeepAnswering(peer, "x").kind, Received::Kind::kTimeout);
}

TEST_F(Keepalive, IsNotImpressedByWhatTheGatewaySends) {
  StartWith(kTimeoutMillis);
  Peer& peer = Join();
  EXPECT_TRUE(EventuallySees([&] { return Route(RouteTo(peer.id(), TextMessage("x"))).code; },
                             ::testing::Eq(grpc::StatusCode::NOT_FOUND), Millis(5'000)));
  EXPECT_EQ(NextLeaveOf(peer).reason(), v1::LEAVE_REASON_KEEPALIVE_TIMEOUT);
}

TEST_F(Keepalive, OfZeroIsForEver) {
  StartWith(0);
  Peer& peer = Join();
  EXPECT_EQ(peer.ws.Receive(Millis(800)).kind, Received::Kind::kTimeout);
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))), ReachedSessions(1));
}

}  // namespace
}  // namespace longwire::test
