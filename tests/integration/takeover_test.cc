// Duplicate logins: --duplicate-login=kick-old, reject-new and allow (design 2.3).
#include <atomic>
#include <barrier>
#include <deque>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

class Takeover : public GatewayTest {
 protected:
  void StartWith(DuplicateLogin policy, std::shared_ptr<AuthProvider> auth = nullptr) {
    Options options = TestGateway::QuickOptions();
    options.duplicate_login = policy;
    Start(options, {.auth = auth ? std::move(auth) : std::make_shared<QueryAuth>()});
  }

  static HttpRequest As(const std::string& uid) { return HttpRequest::Upgrade("/?uid=" + uid); }

  // Opens a WebSocket that displaces `old` and checks the order in the log.
  Peer& TakeOver(Peer& old) {
    Peer& young = peers_of_takeover_.emplace_back();
    EXPECT_THAT(young.ws.Open(gateway().ws(), As(old.enter.uid())), HasStatus(101));
    EXPECT_THAT(NextLeaveOf(old), IsLeave(v1::LEAVE_REASON_DUPLICATE_LOGIN, 4409));
    young.enter = events().Next(v1::EVENT_TYPE_ENTER);
    EXPECT_EQ(young.enter.uid(), old.enter.uid());
    EXPECT_NE(young.id(), old.id());
    return young;
  }

  // `threads` clients log in as one uid in the same moment. Returns how many were upgraded.
  int LogInAtOnce(const std::string& uid, int threads, std::vector<WsClient>& clients) {
    std::barrier start(threads);
    std::atomic<int> upgraded{0};
    std::vector<std::jthread> running;
    clients.clear();
    clients.resize(static_cast<size_t>(threads));
    for (WsClient& client : clients) {
      running.emplace_back([&] {
        start.arrive_and_wait();
        upgraded += client.Open(gateway().ws(), As(uid)).status == 101;
      });
    }
    running.clear();
    return upgraded;
  }

  // REQUIRES: every login has been answered, so each session has entered.
  ::testing::AssertionResult WaitUntilAllHaveLeft() {
    return events().WaitFor([](const EventCollector::Seen& seen) {
      return seen.covered == seen.head && seen.leaves * 2 == seen.events.size();
    });
  }

  std::deque<Peer> peers_of_takeover_;
};

// Per uid the log may only go ENTER, LEAVE of the same session, ENTER, LEAVE, ...
::testing::AssertionResult OneSessionAUid(const std::vector<v1::Event>& events) {
  std::map<std::string, int64_t> live;
  for (const v1::Event& event : events) {
    if (event.type() == v1::EVENT_TYPE_ENTER &&
        !live.emplace(event.uid(), event.session_id()).second) {
      return ::testing::AssertionFailure()
             << "ENTER of " << event.session_id() << " while " << live[event.uid()] << " is live";
    }
    if (event.type() == v1::EVENT_TYPE_LEAVE) {
      const auto found = live.find(event.uid());
      if (found == live.end() || found->second != event.session_id()) {
        return ::testing::AssertionFailure() << "LEAVE of " << event.session_id() << ", not live";
      }
      live.erase(found);
    }
  }
  return ::testing::AssertionSuccess();
}

TEST_F(Takeover, WritesLeaveOfTheOldBeforeEnterOfTheNew) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"));
  TakeOver(old);
}

TEST_F(Takeover, ClosesTheOldWith4409) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"));
  TakeOver(old);
  EXPECT_EQ(old.ws.Receive(), Received::Text(std::to_string(old.id())));
  EXPECT_THAT(old.ws.Receive(), IsClose(4409));
  old.ws.SendClose(4409);
  EXPECT_EQ(old.ws.Receive(), Received::Eof());
}

TEST_F(Takeover, LeavesTheUidToTheNewOne) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"));
  Peer& young = TakeOver(old);
  EXPECT_THAT(Route(RouteTo(old.id(), TextMessage("x"))),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_THAT(Route(RouteTo("alice", TextMessage("for you"))), ReachedSessions(1));
  EXPECT_EQ(young.ws.Receive(), Received::Text(std::to_string(young.id())));
  EXPECT_EQ(young.ws.Receive(), Received::Text("for you"));
}

TEST_F(Takeover, DropsWhatTheOldSaysAfterwards) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"));
  TakeOver(old);
  old.ws.SendText("am I still here?");
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Takeover, MayGoOnAndOn) {
  StartWith(DuplicateLogin::kKickOld);
  Peer* current = &Join(As("alice"));
  for (int i = 0; i < 50; ++i) current = &TakeOver(*current);
}

TEST_F(Takeover, DoesNotWaitForAnOldOneThatReadsNothing) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"), {.receive_buffer_bytes = 4096});
  const v1::Message big = BinaryMessage(std::string(60'000, 'x'));
  while (Route(RouteTo(old.id(), big)).ok()) {
  }
  const Deadline deadline(Millis(2'000));
  TakeOver(old);
  EXPECT_FALSE(deadline.Passed());
}

TEST_F(Takeover, LeavesAnonymousSessionsAlone) {
  StartWith(DuplicateLogin::kKickOld);
  Join(As(""));
  Join(As(""));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Takeover, LeavesOtherUidsAlone) {
  StartWith(DuplicateLogin::kKickOld);
  Join(As("alice"));
  Join(As("alicia"));
  Join(As("Alice"));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Takeover, IsNoneWhenTheOldOneHasLeft) {
  StartWith(DuplicateLogin::kKickOld);
  Peer& old = Join(As("alice"));
  old.ws.SendClose(1000);
  NextLeaveOf(old);
  Join(As("alice"));
  EXPECT_TRUE(events().SeesNothingNew());
}

// Two loops, many clients, one uid: whoever wins, the log tells of one at a time.
TEST_F(Takeover, KeepsTheOrderWhenLoginsLandInTheSameMoment) {
  StartWith(DuplicateLogin::kKickOld);
  std::vector<WsClient> clients;
  for (int round = 0; round < 60; ++round) {
    EXPECT_GE(LogInAtOnce("alice", 4, clients), 1);
    ASSERT_TRUE(EventuallySees([&] { return Kick(KickOf("alice")); }, ReachedSessions(1)));
  }
  ASSERT_TRUE(WaitUntilAllHaveLeft());
  EXPECT_TRUE(OneSessionAUid(events().seen().events));
}

TEST_F(Takeover, KeepsTheOrderWhenTheProviderAnswersFromOtherThreads) {
  StartWith(DuplicateLogin::kKickOld, std::make_shared<ThreadedQueryAuth>());
  std::vector<WsClient> clients;
  for (int round = 0; round < 40; ++round) LogInAtOnce("alice", 4, clients);
  EXPECT_TRUE(EventuallySees([&] { return Kick(KickOf("alice")).code; },
                             ::testing::Eq(grpc::StatusCode::NOT_FOUND)));
  ASSERT_TRUE(WaitUntilAllHaveLeft());
  EXPECT_TRUE(OneSessionAUid(events().seen().events));
}

// A login that waits for the old one's end, and one that comes behind it.
TEST_F(Takeover, TellsEveryClientThatLostHowItEnded) {
  StartWith(DuplicateLogin::kKickOld);
  std::vector<WsClient> clients;
  for (int round = 0; round < 20; ++round) {
    LogInAtOnce("alice", 4, clients);
    ASSERT_TRUE(EventuallySees([&] { return Kick(KickOf("alice", 4000)); }, ReachedSessions(1)));
    int kicked = 0;
    for (WsClient& client : clients) {
      if (!client.socket().is_open()) continue;
      client.SendClose(1000);
      const Received end = client.ReceiveEnd();
      kicked += end == Received::Close(4000);
      EXPECT_THAT(end, ::testing::AnyOf(IsClose(4000), IsClose(4409), Received::Eof()));
    }
    EXPECT_EQ(kicked, 1);
  }
}

TEST_F(Takeover, IsRefusedWhileTheOldLivesWithRejectNew) {
  StartWith(DuplicateLogin::kRejectNew);
  Peer& old = Join(As("alice"));
  WsClient young;
  // Told as a close code, also at the handshake: a browser shows its page nothing else.
  EXPECT_THAT(young.Open(gateway().ws(), As("alice")), HasStatus(101));
  EXPECT_THAT(young.Receive(), IsClose(4409));
  EXPECT_TRUE(events().SeesNothingNew());
  old.ws.SendText("undisturbed");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).session_id(), old.id());
}

TEST_F(Takeover, IsGrantedWithRejectNewOnceTheOldHasLeft) {
  StartWith(DuplicateLogin::kRejectNew);
  Peer& old = Join(As("alice"));
  old.ws.Abort();
  NextLeaveOf(old);
  // LEAVE has been told, so the uid is free or about to be.
  WsClient young;
  EXPECT_TRUE(EventuallySees([&] { return young.Open(gateway().ws(), As("alice")).status; },
                             ::testing::Eq(101)));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
}

TEST_F(Takeover, HasOneWinnerWithRejectNewWhenLoginsLandInTheSameMoment) {
  StartWith(DuplicateLogin::kRejectNew);
  std::vector<WsClient> clients;
  for (int round = 0; round < 30; ++round) {
    LogInAtOnce("alice", 4, clients);
    ASSERT_TRUE(EventuallySees([&] { return Kick(KickOf("alice")); }, ReachedSessions(1)));
    EXPECT_EQ(Kick(KickOf("alice")).code, grpc::StatusCode::NOT_FOUND);
  }
  ASSERT_TRUE(WaitUntilAllHaveLeft());
  EXPECT_TRUE(OneSessionAUid(events().seen().events));
}

TEST_F(Takeover, IsNoneWithAllow) {
  StartWith(DuplicateLogin::kAllow);
  Peer& first = Join(As("alice"));
  Peer& second = Join(As("alice"));
  EXPECT_TRUE(events().SeesNothingNew());
  EXPECT_THAT(Route(RouteTo("alice", TextMessage("to both"))), ReachedSessions(2));
  EXPECT_EQ(first.ws.Receive(), Received::Text(std::to_string(first.id())));
  EXPECT_EQ(first.ws.Receive(), Received::Text("to both"));
  EXPECT_EQ(second.ws.Receive(), Received::Text(std::to_string(second.id())));
  EXPECT_EQ(second.ws.Receive(), Received::Text("to both"));
  EXPECT_THAT(Kick(KickOf("alice")), ReachedSessions(2));
  EXPECT_TRUE(events().WaitForLeaves(2));
  EXPECT_THAT(Route(RouteTo("alice", TextMessage("x"))),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "UID_OFFLINE"));
}

}  // namespace
}  // namespace longwire::test
