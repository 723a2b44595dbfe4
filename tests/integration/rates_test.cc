// How much a client may send: --messages-per-second-max, --bytes-per-second-max.
#include <string>

#include "tests/support/fake_authenticator.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;

class Rates : public GatewayTest {
 protected:
  void StartWithMessages(uint32_t per_second) {
    Options options = TestGateway::QuickOptions();
    options.messages_per_second_max = per_second;
    Start(options);
  }
  static std::string Times(int count, const std::string& frame) {
    std::string all;
    for (int i = 0; i < count; ++i) all += frame;
    return all;
  }
};

TEST_F(Rates, LetASecondsWorthThroughAtOnceAndCloseBehindIt) {
  StartWithMessages(10);
  Peer& peer = Join();
  peer.ws.Send(Times(50, TextFrame("x")));
  for (int i = 0; i < 10; ++i) events().Next(v1::EVENT_TYPE_ROUTE);
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_RATE_LIMITED, 1008));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1008));
}

TEST_F(Rates, CountPingsAndPongsToo) {
  StartWithMessages(10);
  Peer& peer = Join();
  peer.ws.Send(Times(50, PingFrame("x")));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(peer.ws.Receive(), Received::Pong("x"));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1008));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_RATE_LIMITED, 1008));
}

TEST_F(Rates, DoNotTouchAClientThatKeepsThem) {
  StartWithMessages(1'000);
  Peer& peer = Join();
  for (int i = 0; i < 200; ++i) {
    peer.ws.SendText(std::to_string(i));
    EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), std::to_string(i));
  }
}

TEST_F(Rates, HoldForAClientThatHasNotEnteredToo) {
  FakeAuthenticator authenticator;
  Options options = TestGateway::QuickOptions();
  options.messages_per_second_max = 10;
  options.auth = AuthKind::kGrpc;
  options.auth_at = AuthAt::kMessage;
  options.authenticator_address = authenticator.address();
  Start(options);
  WsClient client = Open(101);
  client.Send(Times(50, PingFrame()));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Receive().kind, Received::Kind::kPong);
  EXPECT_THAT(client.ReceiveEnd(), IsClose(1008));
  EXPECT_TRUE(events().SeesNothingNew());
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"rate_limited\"} 1"));
}

TEST_F(Rates, OfBytesCountWhatComesHoweverItIsCut) {
  Options options = TestGateway::QuickOptions();
  options.message_bytes_max = 1'000;
  options.bytes_per_second_max = 1'000;
  Start(options);
  Peer& peer = Join();
  // A flood of fragments with nothing in them: never a message, so only its bytes can be counted.
  peer.ws.Send(Frame{.op = Op::kText, .payload = "x", .fin = false}.Bytes());
  const std::string fragments =
      Times(1'000, Frame{.op = Op::kContinuation, .payload = "", .fin = false}.Bytes());
  for (int i = 0; i < 100 && peer.ws.Send(fragments); ++i) {
  }
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1008));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_RATE_LIMITED, 1008));
}

TEST_F(Rates, OfBytesLetOneLargeMessageThrough) {
  Options options = TestGateway::QuickOptions();
  options.bytes_per_second_max = 1'000;
  Start(options);
  Peer& peer = Join();
  peer.ws.SendText(std::string(65'536, 'x'));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text().size(), 65'536u);
}

TEST_F(Rates, OfPingsAnswerEachOfAFewAndOfManyTheNewest) {
  Start();
  Peer& peer = Join();
  peer.ws.Send(Times(20, PingFrame("few")));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(peer.ws.Receive(), Received::Pong("few"));
  peer.ws.Send(Times(10'000, PingFrame("many")) + PingFrame("newest"));
  int pongs = 0;
  Received received;
  do {
    received = peer.ws.Receive();
    ASSERT_EQ(received.kind, Received::Kind::kPong);
    ++pongs;
  } while (received.payload != "newest");
  EXPECT_LT(pongs, 1'000);
}

}  // namespace
}  // namespace longwire::test
