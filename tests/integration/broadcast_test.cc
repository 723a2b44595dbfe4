// Broadcast: whom it reaches, in which order with other messages, and what it costs.
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"
#include "tests/support/unary_call.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

constexpr size_t kMessageBytesMax = 100'000;

class Broadcasting : public GatewayTest {
 protected:
  void SetUp() override { StartWith(SmallOutbox()); }

  static Options SmallOutbox() {
    Options options = TestGateway::QuickOptions();
    options.message_bytes_max = kMessageBytesMax;
    options.outbox_bytes_max = 256 * 1024;
    options.duplicate_login = DuplicateLogin::kAllow;
    return options;
  }
  void StartWith(const Options& options) {
    Start(options, {.auth = std::make_shared<QueryAuth>()});
  }

  // A session of `uid` whose client has read its first message.
  Peer& JoinAs(const std::string& uid, const std::vector<std::string>& topics = {}) {
    Peer& peer = Join(HttpRequest::Upgrade("/?uid=" + uid));
    EXPECT_EQ(peer.ws.Receive(), Received::Text(std::to_string(peer.id())));
    EXPECT_TRUE(UpdateTopics(stub(), TopicsOf(peer.id(), topics)).ok());
    return peer;
  }
  // A client that reads nothing by itself and for which the kernel holds little.
  Peer& JoinDeaf() { return Join(HttpRequest::Upgrade("/"), {.receive_buffer_bytes = 4096}); }
  BroadcastOutcome Broadcast(const v1::BroadcastRequest& request) {
    return test::Broadcast(stub(), request);
  }
  // Routes to the session until its outbox is full, and returns how many it took.
  int Fill(const Peer& peer) {
    const v1::Message message = BinaryMessage(std::string(60'000, 'f'));
    for (int taken = 0;; ++taken) {
      if (!Route(RouteTo(peer.id(), message)).ok()) return taken;
    }
  }
};

TEST_F(Broadcasting, ReachesEveryoneTheAnonymousToo) {
  Peer& alice = JoinAs("alice");
  Peer& nobody = JoinAs("");
  Peer& other = JoinAs("");
  const BroadcastOutcome outcome = Broadcast(ToEveryone(TextMessage("all of you")));
  EXPECT_THAT(outcome, ReachedSessions(3));
  EXPECT_EQ(outcome.response.skipped_count(), 0u);
  for (Peer* peer : {&alice, &nobody, &other}) {
    EXPECT_EQ(peer->ws.Receive(), Received::Text("all of you"));
  }
}

TEST_F(Broadcasting, ReachesATopicAndNobodyElse) {
  Peer& alice = JoinAs("alice", {"room"});
  Peer& bob = JoinAs("bob", {"room", "news"});
  Peer& carol = JoinAs("carol", {"news"});
  EXPECT_THAT(Broadcast(ToTopic("room", BinaryMessage("x"))), ReachedSessions(2));
  EXPECT_EQ(alice.ws.Receive(), Received::Binary("x"));
  EXPECT_EQ(bob.ws.Receive(), Received::Binary("x"));
  EXPECT_EQ(carol.ws.Receive(kQuiet).kind, Received::Kind::kTimeout);
  EXPECT_THAT(Broadcast(ToTopic("empty", TextMessage("x"))), ReachedSessions(0));
}

TEST_F(Broadcasting, ReachesAllSessionsOfSomeUidsOnceEach) {
  Peer& first = JoinAs("alice");
  Peer& second = JoinAs("alice");
  Peer& bob = JoinAs("bob");
  Peer& carol = JoinAs("carol");
  EXPECT_THAT(Broadcast(ToUids({"alice", "nobody", "bob", "alice"}, TextMessage("you"))),
              ReachedSessions(3));
  EXPECT_THAT(Broadcast(ToEveryone(TextMessage("end"))), ReachedSessions(4));
  for (Peer* peer : {&first, &second, &bob}) {
    EXPECT_EQ(peer->ws.Receive(), Received::Text("you"));
    EXPECT_EQ(peer->ws.Receive(), Received::Text("end"));
  }
  EXPECT_EQ(carol.ws.Receive(), Received::Text("end"));
}

TEST_F(Broadcasting, LeavesOutTheExceptedAndCountsThemNowhere) {
  Peer& sender = JoinAs("alice", {"room"});
  Peer& deaf = JoinDeaf();
  UpdateTopics(stub(), TopicsOf(deaf.id(), {"room"}));
  Fill(deaf);
  Peer& other = JoinAs("bob", {"room"});
  for (v1::BroadcastRequest request :
       {ToTopic("room", TextMessage("hi")), ToUids({"alice", "bob"}, TextMessage("hi")),
        ToEveryone(TextMessage("hi"))}) {
    for (const int64_t id : {sender.id(), deaf.id(), int64_t{4711}, int64_t{0}}) {
      request.add_except_session_ids(id);
    }
    const BroadcastOutcome outcome = Broadcast(request);
    EXPECT_THAT(outcome, ReachedSessions(1));
    EXPECT_EQ(outcome.response.skipped_count(), 0u);
    EXPECT_EQ(other.ws.Receive(), Received::Text("hi"));
  }
  EXPECT_EQ(sender.ws.Receive(kQuiet).kind, Received::Kind::kTimeout);
}

TEST_F(Broadcasting, RefusesWhatCanNeverSucceed) {
  const auto refused = [&](const v1::BroadcastRequest& request, const char* reason) {
    EXPECT_THAT(Broadcast(request), IsRefusal(StatusCode::INVALID_ARGUMENT, reason));
  };
  Peer& peer = JoinAs("alice");
  const v1::Message hi = TextMessage("hi");
  v1::BroadcastRequest request = ToEveryone(hi);
  request.clear_audience();
  refused(request, "AUDIENCE_MISSING");
  request.set_everyone(false);
  refused(request, "AUDIENCE_MISSING");
  refused(ToUids({}, hi), "AUDIENCE_MISSING");
  refused(ToUids({"alice", ""}, hi), "UID_EMPTY");
  refused(ToUids({std::string(129, 'u')}, hi), "UID_INVALID");
  refused(ToTopic("", hi), "BAD_TOPIC_NAME");
  refused(ToTopic("no spaces", hi), "BAD_TOPIC_NAME");
  refused(ToTopic(std::string(65, 'r'), hi), "BAD_TOPIC_NAME");
  refused(ToEveryone({}), "MESSAGE_MISSING");
  refused(ToEveryone(TextMessage(std::string(kMessageBytesMax + 1, 'x'))), "MESSAGE_TOO_BIG");
  EXPECT_EQ(peer.ws.Receive(kQuiet).kind, Received::Kind::kTimeout);
}

TEST_F(Broadcasting, KeepsEverySizeAndTypeInOrderWithRoutes) {
  Peer& peer = JoinAs("alice", {"room"});
  Peer& other = JoinAs("bob", {"room"});
  // Around the sizes at which a frame's header grows, and at which a frame is shared.
  for (const size_t bytes : {0, 1, 125, 126, 500, 508, 509, 512, 65'535, 65'536, 100'000}) {
    const std::string text(bytes, 't');
    EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("before"))), ReachedSessions(1));
    EXPECT_THAT(Broadcast(ToTopic("room", TextMessage(text))), ReachedSessions(2)) << bytes;
    EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("between"))), ReachedSessions(1));
    EXPECT_THAT(Broadcast(ToEveryone(BinaryMessage(text))), ReachedSessions(2)) << bytes;
    ASSERT_EQ(peer.ws.Receive(), Received::Text("before"));
    ASSERT_EQ(peer.ws.Receive(), Received::Text(text));
    ASSERT_EQ(peer.ws.Receive(), Received::Text("between"));
    ASSERT_EQ(peer.ws.Receive(), Received::Binary(text));
    ASSERT_EQ(other.ws.Receive(), Received::Text(text));
    ASSERT_EQ(other.ws.Receive(), Received::Binary(text));
  }
}

TEST_F(Broadcasting, GivesAClientThatReadsLateAllItTookInOrder) {
  Peer& peer = JoinDeaf();
  EXPECT_EQ(peer.ws.Receive().kind, Received::Kind::kText);
  std::vector<std::string> taken;
  for (int i = 0; i < 200; ++i) {
    std::string text = std::to_string(i) + " ";
    text.resize(i % 3 == 0 ? 10 : i % 3 == 1 ? 600 : 20'000, 'x');
    const bool is_route = i % 2 == 0;
    const bool is_taken =
        is_route ? Route(RouteTo(peer.id(), TextMessage(text))).ok()
                 : Broadcast(ToEveryone(TextMessage(text))).response.session_count() == 1;
    if (is_taken) taken.push_back(text);
    if (i % 50 == 0) peer.ws.Send(PingFrame("are you there"));
  }
  ASSERT_LT(taken.size(), 200u) << "its outbox was never full";
  for (const std::string& text : taken) {
    ASSERT_EQ(peer.ws.ReceiveMessage(), Received::Text(text));
  }
  EXPECT_TRUE(EventuallySees([&] { return MetricsPage(); }, HasSubstr("longwire_outbox_bytes 0\n")))
      << "no frame is held any more";
}

TEST_F(Broadcasting, SkipsAFullOutboxAndCountsIt) {
  Peer& deaf = JoinDeaf();
  const int accepted = Fill(deaf);
  Peer& reader = JoinAs("bob");
  const std::string big(60'000, 'b');
  for (int i = 0; i < 10; ++i) {
    const BroadcastOutcome outcome = Broadcast(ToEveryone(BinaryMessage(big)));
    EXPECT_THAT(outcome, ReachedSessions(1));
    EXPECT_EQ(outcome.response.skipped_count(), 1u);
    EXPECT_EQ(reader.ws.Receive(), Received::Binary(big));
  }
  const std::string page = MetricsPage();
  EXPECT_THAT(page, HasSubstr("longwire_broadcasts_total 10\n"));
  EXPECT_THAT(page, HasSubstr("longwire_broadcast_reached_total 10\n"));
  EXPECT_THAT(page, HasSubstr("longwire_broadcast_skipped_total{reason=\"outbox_full\"} 10\n"));
  EXPECT_EQ(deaf.ws.Receive().kind, Received::Kind::kText);
  for (int i = 0; i < accepted; ++i) {
    ASSERT_EQ(deaf.ws.Receive().payload, std::string(60'000, 'f')) << "only what it took";
  }
  EXPECT_EQ(deaf.ws.Receive(kQuiet).kind, Received::Kind::kTimeout);
}

TEST_F(Broadcasting, IsBusyWhenAllOutboxesTogetherAreFull) {
  Options options = SmallOutbox();
  options.outbox_bytes_max = 1024 * 1024;
  options.outbox_total_bytes_max = 1024 * 1024;
  StartWith(options);
  Fill(JoinDeaf());
  Fill(JoinDeaf());
  EXPECT_THAT(Broadcast(ToEveryone(BinaryMessage(std::string(65'536, 'x')))),
              IsRefusal(StatusCode::RESOURCE_EXHAUSTED, "GATEWAY_BUSY"));
}

TEST_F(Broadcasting, GoesOnWhileTheGatewayDrains) {
  Options options = SmallOutbox();
  options.drain_delay_millis = 60'000;
  StartWith(options);
  Peer& peer = JoinAs("alice", {"room"});
  std::thread draining([&] { gateway().gateway().Drain(); });
  EXPECT_TRUE(EventuallySees(
      [&] { return Fetch(gateway().admin(), HttpRequest::Get("/readyz")).status; }, 503));
  EXPECT_THAT(Broadcast(ToTopic("room", TextMessage("bye"))), ReachedSessions(1));
  v1::Session session;
  EXPECT_TRUE(GetSession(stub(), peer.id(), session).ok());
  EXPECT_TRUE(UpdateTopics(stub(), TopicsOf(peer.id(), {"other"})).ok());
  EXPECT_EQ(peer.ws.Receive(), Received::Text("bye"));
  gateway().gateway().HurryDrain();
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1001));
  NextLeaveOf(peer);
  EXPECT_THAT(Broadcast(ToTopic("room", TextMessage("anybody?"))), ReachedSessions(0));
  draining.join();
}

TEST_F(Broadcasting, ByManyAtOnceReachesEachClientOnceForEach) {
  constexpr int kCallers = 4;
  constexpr int kCalls = 50;
  std::vector<Peer*> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(&JoinAs("", {"room"}));
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < kCalls; ++i) {
        std::string text = std::to_string(caller) + " " + std::to_string(i) + " ";
        text.resize(i % 2 == 0 ? 20 : 2'000, 'x');
        EXPECT_THAT(Broadcast(ToTopic("room", TextMessage(text))), ReachedSessions(10));
      }
    });
  }
  for (Peer* peer : peers) {
    std::vector<int> next(kCallers, 0);
    for (int i = 0; i < kCallers * kCalls; ++i) {
      const Received received = peer->ws.Receive();
      ASSERT_EQ(received.kind, Received::Kind::kText);
      const size_t caller = static_cast<size_t>(received.payload[0] - '0');
      ASSERT_EQ(std::stoi(received.payload.substr(2)), next[caller]++) << received.payload;
    }
  }
  for (std::thread& caller : callers) caller.join();
}

// What this process holds in memory.
size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A copy for each client would be 1,000 times 10 times 10 kB: 100 MB.
TEST_F(Broadcasting, CostsItsFrameOnceHoweverManyClientsDoNotRead) {
  constexpr int kClients = 1'000;
  constexpr int kBroadcasts = 10;
  Options options = SmallOutbox();
  options.slow_consumer_timeout_millis = 60'000;
  StartWith(options);
  std::vector<Peer*> peers;
  for (int i = 0; i < kClients; ++i) peers.push_back(&JoinDeaf());
  // What the kernel holds for a client is full from here on.
  const v1::Message big = BinaryMessage(std::string(kMessageBytesMax, 'x'));
  ASSERT_THAT(Broadcast(ToEveryone(big)), ReachedSessions(kClients));
  const size_t before = ResidentBytes();
  for (int i = 0; i < kBroadcasts; ++i) {
    ASSERT_THAT(Broadcast(ToEveryone(BinaryMessage(std::string(10'000, 'y')))),
                ReachedSessions(kClients));
  }
  const size_t after = ResidentBytes();
  EXPECT_LT(after, before + 50'000'000);
  for (Peer* peer : {peers.front(), peers.back()}) {
    EXPECT_EQ(peer->ws.Receive().kind, Received::Kind::kText);
    EXPECT_EQ(peer->ws.Receive(), Received::Binary(std::string(kMessageBytesMax, 'x')));
    for (int i = 0; i < kBroadcasts; ++i) {
      ASSERT_EQ(peer->ws.Receive(), Received::Binary(std::string(10'000, 'y')));
    }
  }
}

}  // namespace
}  // namespace longwire::test
