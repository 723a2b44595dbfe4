// What waits for a client: bounded each and in sum, and what becomes of a client that does not
// read.
#include <algorithm>
#include <memory>

#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;

constexpr size_t kMessageBytes = 16 * 1024;
constexpr size_t kOutboxBytesMax = 256 * 1024;

class Outbox : public GatewayTest {
 protected:
  static Options SmallOutbox() {
    Options options = TestGateway::QuickOptions();
    options.outbox_bytes_max = kOutboxBytesMax;
    return options;
  }

  // A client that reads nothing by itself and for which the kernel holds little.
  Peer& JoinDeaf() { return Join(HttpRequest::Upgrade(), {.receive_buffer_bytes = 4096}); }

  // Routes numbered messages until one is refused. Returns how many were accepted.
  int Fill(const Peer& peer, RpcOutcome* refusal = nullptr) {
    for (int i = 0;; ++i) {
      std::string body = std::to_string(i) + " ";
      body.resize(kMessageBytes, 'x');
      const RpcOutcome outcome = Route(RouteTo(peer.id(), TextMessage(std::move(body))));
      if (outcome.ok()) continue;
      if (refusal != nullptr) *refusal = outcome;
      return i;
    }
  }

  // Reads the messages of Fill and expects all of them in order.
  static void Drain(Peer& peer, int count) {
    for (int i = 0; i < count; ++i) {
      const Received received = peer.ws.Receive();
      ASSERT_EQ(received.kind, Received::Kind::kText) << "message " << i << " of " << count;
      ASSERT_EQ(std::stoi(received.payload), i);
    }
  }
};

TEST_F(Outbox, ThatIsFullIsAnAnswer) {
  Start(SmallOutbox());
  RpcOutcome refusal;
  Fill(JoinDeaf(), &refusal);
  EXPECT_THAT(refusal, IsRefusal(StatusCode::RESOURCE_EXHAUSTED, "OUTBOX_FULL"));
}

TEST_F(Outbox, LosesNothingThatItAccepted) {
  Start(SmallOutbox());
  Peer& peer = JoinDeaf();
  const int accepted = Fill(peer);
  EXPECT_GE(accepted, static_cast<int>(kOutboxBytesMax / kMessageBytes) - 1);
  Drain(peer, accepted);
}

TEST_F(Outbox, TakesMoreOnceTheClientHasRead) {
  Start(SmallOutbox());
  Peer& peer = JoinDeaf();
  Drain(peer, Fill(peer));
  EXPECT_TRUE(EventuallySees([&] { return Route(RouteTo(peer.id(), TextMessage("again"))); },
                             ReachedSessions(1)));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("again"));
}

TEST_F(Outbox, ThatIsFullConcernsNobodyElse) {
  Start(SmallOutbox());
  Fill(JoinDeaf());
  Peer& other = Join();
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(Route(RouteTo(other.id(), TextMessage("x"))), ReachedSessions(1));
    ASSERT_EQ(other.ws.Receive(), Received::Text("x"));
  }
}

TEST_F(Outbox, ThatIsFullStillLetsTheClientSpeak) {
  Start(SmallOutbox());
  Peer& peer = JoinDeaf();
  Fill(peer);
  peer.ws.SendText("I am slow but here");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).session_id(), peer.id());
}

TEST_F(Outbox, OfAClientThatStaysStuckIsClosedAsSlowConsumer) {
  Options options = SmallOutbox();
  options.slow_consumer_timeout_millis = 500;
  Start(options);
  Peer& peer = JoinDeaf();
  Peer& other = Join();
  Fill(peer);
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_SLOW_CONSUMER, 1013));
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))),
              IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_THAT(Route(RouteTo(other.id(), TextMessage("x"))), ReachedSessions(1));
}

TEST_F(Outbox, OfAStuckClientEndsWith1013WhenItReadsInTheEnd) {
  Options options = SmallOutbox();
  options.slow_consumer_timeout_millis = 300;
  Start(options);
  Peer& peer = JoinDeaf();
  const int accepted = Fill(peer);
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_SLOW_CONSUMER, 1013));
  int got = 0;
  Received received;
  while ((received = peer.ws.Receive()).kind == Received::Kind::kText) {
    ASSERT_EQ(std::stoi(received.payload), got++);
  }
  EXPECT_LE(got, accepted);
  // The close frame when the queue was let go, or a cut inside of it.
  EXPECT_TRUE(received.close_code == 1013 || received.kind == Received::Kind::kEof ||
              received.kind == Received::Kind::kReset || received.kind == Received::Kind::kBadFrame)
      << ::testing::PrintToString(received);
}

// Slow is not stuck: what counts is progress.
TEST_F(Outbox, OfAClientThatReadsLittleByLittleIsKept) {
  Options options = SmallOutbox();
  options.slow_consumer_timeout_millis = 600;
  Start(options);
  Peer& peer = JoinDeaf();
  const int accepted = Fill(peer);
  const Deadline three_timeouts(Millis(1'800));
  int got = 0;
  while (!three_timeouts.Passed() && got < accepted) {
    const Received received = peer.ws.Receive();
    ASSERT_EQ(received.kind, Received::Kind::kText) << ::testing::PrintToString(received);
    ++got;
    // A short wait for what cannot come: nothing but time passes.
    EXPECT_TRUE(events().SeesNothingNew());
  }
}

TEST_F(Outbox, ThatIsEmptyMakesNobodySlow) {
  Options options = SmallOutbox();
  options.slow_consumer_timeout_millis = 200;
  Start(options);
  Peer& peer = Join();
  Route(RouteTo(peer.id(), TextMessage("x")));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("x"));
  EXPECT_EQ(peer.ws.Receive(Millis(600)).kind, Received::Kind::kTimeout);
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("y"))), ReachedSessions(1));
}

TEST_F(Outbox, IsBoundedInSumToo) {
  constexpr size_t kTotalBytesMax = 1024 * 1024;
  Options options = SmallOutbox();
  options.outbox_bytes_max = kTotalBytesMax;
  options.outbox_total_bytes_max = kTotalBytesMax;
  Start(options);
  Fill(JoinDeaf());
  RpcOutcome refusal;
  // What the kernel takes is not counted; what waits is. The second finds the sum used up.
  Fill(JoinDeaf(), &refusal);
  EXPECT_EQ(refusal.code, StatusCode::RESOURCE_EXHAUSTED) << refusal.text;
  Peer& reader = Join();
  const RpcOutcome outcome = Route(RouteTo(reader.id(), BinaryMessage(std::string(60'000, 'x'))));
  EXPECT_EQ(outcome.code, StatusCode::RESOURCE_EXHAUSTED) << outcome.text;
}

TEST_F(Outbox, GivesItsPartOfTheSumBackWithTheSession) {
  constexpr size_t kTotalBytesMax = 1024 * 1024;
  Options options = SmallOutbox();
  options.outbox_bytes_max = kTotalBytesMax;
  options.outbox_total_bytes_max = kTotalBytesMax;
  Start(options);
  for (int i = 0; i < 5; ++i) {
    Peer& peer = JoinDeaf();
    EXPECT_GE(Fill(peer), 30) << "round " << i;
    peer.ws.Abort();
    NextLeaveOf(peer);
    Peer& reader = Join();
    EXPECT_TRUE(EventuallySees([&] { return Route(RouteTo(reader.id(), TextMessage("x"))); },
                               ReachedSessions(1)));
  }
}

}  // namespace
}  // namespace longwire::test
