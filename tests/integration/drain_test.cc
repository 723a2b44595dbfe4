// What SIGTERM starts: admission ends, sessions are closed one by one, every LEAVE is delivered.
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/health.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using std::chrono::steady_clock;

class Drain : public GatewayTest {
 protected:
  void TearDown() override {
    if (draining_.joinable()) draining_.join();
  }

  static Options With(int64_t delay_millis, int64_t period_millis) {
    Options options = TestGateway::QuickOptions();
    options.drain_delay_millis = delay_millis;
    options.drain_period_millis = period_millis;
    return options;
  }

  void BeginDrain() {
    draining_ = std::thread([this] {
      const auto began = steady_clock::now();
      gateway().gateway().Drain();
      took_ = std::chrono::duration_cast<Millis>(steady_clock::now() - began);
    });
  }
  // How long it took in all.
  Millis EndOfDrain() {
    draining_.join();
    return took_;
  }

  // Cuts the drain's delay short and lets its only client go, so that the test need not wait.
  void Hurry(Peer& peer) {
    gateway().gateway().HurryDrain();
    EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1001));
  }

  std::thread draining_;
  Millis took_{0};
};

TEST_F(Drain, ClosesEverySessionWith1001AndTellsItsLeave) {
  Start(With(0, 200));
  std::set<int64_t> ids;
  std::vector<Peer*> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(&Join());
    ids.insert(peers.back()->id());
  }
  BeginDrain();
  for (Peer* peer : peers) {
    EXPECT_THAT(peer->ws.ReceiveEnd(), IsClose(1001));
  }
  for (size_t i = 0; i < peers.size(); ++i) {
    const v1::Event leave = events().Next(v1::EVENT_TYPE_LEAVE);
    EXPECT_THAT(leave.leave(), IsLeave(v1::LEAVE_REASON_DRAINED, 1001));
    EXPECT_EQ(ids.erase(leave.session_id()), 1u);
  }
  EXPECT_LT(EndOfDrain(), Millis(200 + 5'000));
}

TEST_F(Drain, EndsTheStreamsOnceAllIsDelivered) {
  Start(With(0, 100));
  Peer& peer = Join();
  BeginDrain();
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1001));
  ASSERT_TRUE(events().WaitForEnd());
  const auto seen = events().seen();
  EXPECT_EQ(seen.leaves, 1u);
  EXPECT_EQ(seen.covered, seen.head);
  EXPECT_EQ(seen.outcome.code, grpc::StatusCode::UNAVAILABLE) << seen.outcome.text;
  EXPECT_EQ(seen.outcome.reason, "GATEWAY_DRAINING");
  EndOfDrain();
}

TEST_F(Drain, OfAnIdleGatewayIsQuick) {
  Start(With(0, 5'000));
  BeginDrain();
  EXPECT_LT(EndOfDrain(), Millis(2'000));
}

TEST_F(Drain, RefusesNewSessionsWhileTheListenerIsOpen) {
  Start(With(1'500, 100));
  Peer& peer = Join();
  BeginDrain();
  EXPECT_TRUE(
      EventuallySees([&] { return Fetch(gateway().ws(), HttpRequest::Get("/readyz")).status; },
                     ::testing::Eq(503)));
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/healthz")), HasStatus(200));
  const HttpAnswer answer = WsClient().Open(gateway().ws());
  EXPECT_THAT(answer, HasStatus(503));
  EXPECT_NE(answer.Header("retry-after"), "");
  Hurry(peer);
}

TEST_F(Drain, GoesOnServingSessionsAndBackendsDuringTheDelay) {
  Start(With(1'500, 100));
  Peer& peer = Join();
  BeginDrain();
  ASSERT_TRUE(
      EventuallySees([&] { return Fetch(gateway().ws(), HttpRequest::Get("/readyz")).status; },
                     ::testing::Eq(503)));
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("still here"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("still here"));
  peer.ws.SendText("me too");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).session_id(), peer.id());
  EventCollector late(stub(), From(v1::START_AT_EARLIEST));
  EXPECT_TRUE(late.WaitForEvents(2));
  Hurry(peer);
}

TEST_F(Drain, TellsByTheHealthServiceWhetherSessionsAreAdmitted) {
  Start(With(1'500, 100));
  Peer& peer = Join();
  EXPECT_EQ(HealthOf(gateway().channel(), "longwire.edge"), "SERVING");
  BeginDrain();
  EXPECT_TRUE(EventuallySees([&] { return HealthOf(gateway().channel(), "longwire.edge"); },
                             ::testing::Eq("NOT_SERVING")));
  EXPECT_EQ(HealthOf(gateway().channel(), ""), "SERVING");
  EXPECT_EQ(HealthOf(gateway().channel(), "longwire.v1.Gateway"), "SERVING");
  Hurry(peer);
}

TEST_F(Drain, WaitsOutItsDelay) {
  Start(With(400, 100));
  BeginDrain();
  EXPECT_GE(EndOfDrain(), Millis(400));
}

TEST_F(Drain, CanBeHurried) {
  Start(With(60'000, 60'000));
  Peer& peer = Join();
  BeginDrain();
  ASSERT_TRUE(
      EventuallySees([&] { return Fetch(gateway().ws(), HttpRequest::Get("/readyz")).status; },
                     ::testing::Eq(503)));
  gateway().gateway().HurryDrain();
  EXPECT_THAT(peer.ws.Receive(), IsClose(1001));
  peer.ws.Close();
  EXPECT_LT(EndOfDrain(), Millis(6'000));
  EXPECT_EQ(events().seen().leaves, 1u);
}

TEST_F(Drain, SpreadsTheClosesOverItsPeriod) {
  Start(With(0, 600));
  std::vector<Peer*> peers;
  for (int i = 0; i < 60; ++i) peers.push_back(&Join());
  const auto began = steady_clock::now();
  BeginDrain();
  EXPECT_TRUE(events().WaitForLeaves(60));
  const auto took = steady_clock::now() - began;
  EXPECT_GE(took, Millis(200)) << "all at once is a thundering herd";
  EXPECT_LT(took, Millis(3'000));
  for (Peer* peer : peers) peer->ws.Close();
}

TEST_F(Drain, IsNotHeldUpByASubscriberThatDoesNotRead) {
  Start(With(0, 100));
  const auto stuck_stub = v1::Gateway::NewStub(gateway().NewChannel());
  EventCollector stuck(*stuck_stub, From(v1::START_AT_LATEST));
  stuck.PauseReading();
  Peer& peer = Join();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(peer.ws.SendText(std::string(60'000, 'x')));
  ASSERT_TRUE(events().WaitForEvents(201));
  BeginDrain();
  EXPECT_TRUE(events().WaitForLeaves(1));
  EXPECT_LT(EndOfDrain(), Millis(100 + 5'000));
}

TEST_F(Drain, IsNotHeldUpByClientsThatDoNotAnswer) {
  Start(With(0, 100));
  Peer& deaf = Join(HttpRequest::Upgrade(), {.receive_buffer_bytes = 4096});
  while (Route(RouteTo(deaf.id(), BinaryMessage(std::string(60'000, 'x')))).ok()) {
  }
  Join();
  BeginDrain();
  EXPECT_TRUE(events().WaitForLeaves(2));
  EXPECT_LT(EndOfDrain(), Millis(100 + 5'000));
}

TEST_F(Drain, TurnsAwayAClientThatIsBeingAuthenticated) {
  const auto auth = std::make_shared<HeldAuth>();
  Start(With(0, 100), {.auth = auth});
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/").ToString());
  HeldAuth::Pending pending = auth->Take();
  BeginDrain();
  pending.done(AuthAccepted{});
  EXPECT_LT(EndOfDrain(), Millis(100 + 5'000));
  const auto seen = events().seen();
  EXPECT_EQ(seen.events.size(), 2 * seen.leaves) << seen.ToString();
}

TEST_F(Drain, LosesNoMessageThatCameBefore) {
  Start(With(0, 100));
  Peer& peer = Join();
  std::string burst;
  for (int i = 0; i < 200; ++i) burst += TextFrame(std::to_string(i));
  peer.ws.Send(burst);
  ASSERT_TRUE(events().WaitForEvents(2));
  BeginDrain();
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1001));
  ASSERT_TRUE(events().WaitForEnd());
  const auto seen = events().seen();
  // What was read before the close was decided, in order and without a hole, then LEAVE.
  for (size_t i = 1; i + 1 < seen.events.size(); ++i) {
    EXPECT_EQ(seen.events[i].routed().message().text(), std::to_string(i - 1));
  }
  EXPECT_TRUE(seen.events.back().has_leave());
  EndOfDrain();
}

}  // namespace
}  // namespace longwire::test
