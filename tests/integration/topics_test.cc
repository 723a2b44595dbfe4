// Topics: joined and left by UpdateTopics, given by the authenticator, gone with the session.
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_authenticator.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"
#include "tests/support/unary_call.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Names = std::vector<std::string>;

Names Numbered(int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back("t" + std::to_string(i));
  return names;
}

class Topics : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
  }

  // A session of `uid` whose client has read its first message.
  Peer& JoinAs(const std::string& uid) {
    Peer& peer = Join(HttpRequest::Upgrade("/?uid=" + uid));
    EXPECT_EQ(peer.ws.Receive(), Received::Text(std::to_string(peer.id())));
    return peer;
  }
  // Changes the topics and returns them.
  Names Update(const Peer& peer, const Names& join, const Names& leave = {}) {
    Names topics;
    EXPECT_TRUE(UpdateTopics(stub(), TopicsOf(peer.id(), join, leave), &topics).ok());
    return topics;
  }
  RpcOutcome Refused(int64_t session_id, const Names& join, const Names& leave = {}) {
    return UpdateTopics(stub(), TopicsOf(session_id, join, leave));
  }
  BroadcastOutcome Tell(const std::string& topic, const std::string& text) {
    return Broadcast(stub(), ToTopic(topic, TextMessage(text)));
  }
};

TEST_F(Topics, AreToldSortedAfterEachChange) {
  const Peer& peer = JoinAs("alice");
  EXPECT_THAT(Update(peer, {"room", "news", "room"}), ElementsAre("news", "room"));
  EXPECT_THAT(Update(peer, {"sport"}, {"news", "never-joined"}), ElementsAre("room", "sport"));
  EXPECT_THAT(Update(peer, {}), ElementsAre("room", "sport"));
  EXPECT_THAT(Update(peer, {}, {"room", "sport"}), IsEmpty());
}

TEST_F(Topics, DecideWhomABroadcastAfterTheAnswerReaches) {
  Peer& alice = JoinAs("alice");
  Peer& bob = JoinAs("bob");
  EXPECT_THAT(Tell("room", "nobody"), ReachedSessions(0));
  Update(alice, {"room"});
  EXPECT_THAT(Tell("room", "one"), ReachedSessions(1));
  Update(bob, {"room"});
  EXPECT_THAT(Tell("room", "two"), ReachedSessions(2));
  Update(alice, {}, {"room"});
  EXPECT_THAT(Tell("room", "three"), ReachedSessions(1));
  EXPECT_EQ(alice.ws.Receive(), Received::Text("one"));
  EXPECT_EQ(alice.ws.Receive(), Received::Text("two"));
  EXPECT_EQ(bob.ws.Receive(), Received::Text("two"));
  EXPECT_EQ(bob.ws.Receive(), Received::Text("three"));
}

TEST_F(Topics, AreShownByGetSession) {
  const Peer& peer = JoinAs("alice");
  Update(peer, {"room", "news"});
  v1::Session session;
  ASSERT_TRUE(GetSession(stub(), peer.id(), session).ok());
  EXPECT_THAT(session.topics(), ElementsAre("news", "room"));
}

TEST_F(Topics, AreRefusedWithoutASession) {
  EXPECT_THAT(Refused(0, {"room"}), IsRefusal(StatusCode::INVALID_ARGUMENT, "TARGET_MISSING"));
  EXPECT_THAT(Refused(4711, {"room"}), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_THAT(Refused(-1, {"room"}), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
}

TEST_F(Topics, AreRefusedWholeForOneBadName) {
  const Peer& peer = JoinAs("alice");
  Update(peer, {"before"});
  for (const std::string& bad : {std::string(), std::string("no spaces"), std::string("hällo"),
                                 std::string("a/b"), std::string(65, 'r')}) {
    EXPECT_THAT(Refused(peer.id(), {"room", bad}, {"before"}),
                IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_TOPIC_NAME"))
        << bad;
    EXPECT_THAT(Refused(peer.id(), {"room"}, {"before", bad}),
                IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_TOPIC_NAME"))
        << bad;
  }
  EXPECT_THAT(Update(peer, {}), ElementsAre("before"));
  EXPECT_THAT(Update(peer, {std::string(64, 'r'), "A-z_0.9"}), SizeIs(3));
}

TEST_F(Topics, AreRefusedWhenOneIsJoinedAndLeftAtOnce) {
  const Peer& peer = JoinAs("alice");
  EXPECT_THAT(Refused(peer.id(), {"a", "b"}, {"c", "b"}),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_TOPIC_NAME"));
  EXPECT_THAT(Update(peer, {}), IsEmpty());
}

TEST_F(Topics, AreAtMost64ASession) {
  const Peer& peer = JoinAs("alice");
  EXPECT_THAT(Refused(peer.id(), Numbered(65)),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "TOO_MANY_TOPICS"));
  EXPECT_THAT(Update(peer, Numbered(64)), SizeIs(64));
  EXPECT_THAT(Refused(peer.id(), {"one-more", "another"}, {"t0"}),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "TOO_MANY_TOPICS"));
  EXPECT_THAT(Tell("t0", "still"), ReachedSessions(1)) << "nothing was left either";
  EXPECT_THAT(Update(peer, {"one-more"}, {"t0"}), SizeIs(64));
}

TEST_F(Topics, EndWithTheSession) {
  Peer& peer = JoinAs("alice");
  Update(peer, {"room"});
  peer.ws.SendClose(1000);
  NextLeaveOf(peer);
  EXPECT_THAT(Tell("room", "anybody?"), ReachedSessions(0));
  EXPECT_THAT(Refused(peer.id(), {"room"}), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
}

TEST_F(Topics, AreNotHandedOnInATakeover) {
  Peer& old = JoinAs("alice");
  Update(old, {"room"});
  WsClient young = Open(101, HttpRequest::Upgrade("/?uid=alice"));
  NextLeaveOf(old);
  const int64_t id = events().Next(v1::EVENT_TYPE_ENTER).session_id();
  EXPECT_THAT(Tell("room", "anybody?"), ReachedSessions(0));
  v1::Session session;
  ASSERT_TRUE(GetSession(stub(), id, session).ok());
  EXPECT_THAT(session.topics(), IsEmpty());
}

// What an authenticator says about topics.
class AuthenticatorsTopics : public GatewayTest {
 protected:
  void StartWith(AuthAt auth_at) {
    Options options = TestGateway::QuickOptions();
    options.auth = AuthKind::kGrpc;
    options.auth_at = auth_at;
    options.authenticator_address = authenticator_.address();
    Start(options);
  }
  void AnswerWith(const Names& topics) {
    authenticator_.AnswerWith([topics](const auto&, v1::AuthenticateResponse& response) {
      response.mutable_topics()->Add(topics.begin(), topics.end());
      return grpc::Status::OK;
    });
  }

  FakeAuthenticator authenticator_;
};

TEST_F(AuthenticatorsTopics, HaveTheSessionBeforeItsEnterIsSeen) {
  StartWith(AuthAt::kHandshake);
  AnswerWith({"room", "news", "room"});
  Peer& peer = Join();
  EXPECT_THAT(Broadcast(stub(), ToTopic("room", TextMessage("welcome"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("welcome"));
  v1::Session session;
  ASSERT_TRUE(GetSession(stub(), peer.id(), session).ok());
  EXPECT_THAT(session.topics(), ElementsAre("news", "room"));
}

TEST_F(AuthenticatorsTopics, MayBe64) {
  StartWith(AuthAt::kHandshake);
  AnswerWith(Numbered(64));
  Join();
  EXPECT_THAT(Broadcast(stub(), ToTopic("t63", TextMessage("x"))), ReachedSessions(1));
}

TEST_F(AuthenticatorsTopics, ThatBreakTheRulesAdmitNobodyForNow) {
  StartWith(AuthAt::kHandshake);
  for (const Names& topics :
       {Numbered(65), Names{"room", ""}, Names{"no spaces"}, Names{std::string(65, 'r')}}) {
    AnswerWith(topics);
    const HttpAnswer answer = WsClient().Open(gateway().ws(), HttpRequest::Upgrade());
    EXPECT_THAT(answer, HasStatus(503));
    EXPECT_NE(answer.Header("retry-after"), "");
  }
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(AuthenticatorsTopics, HoldForAuthenticationByMessageToo) {
  StartWith(AuthAt::kMessage);
  AnswerWith({"room"});
  WsClient client = Open(101);
  client.SendText("login");
  events().Next(v1::EVENT_TYPE_ENTER);
  EXPECT_THAT(Broadcast(stub(), ToTopic("room", TextMessage("x"))), ReachedSessions(1));
  AnswerWith({"no spaces"});
  WsClient other = Open(101);
  other.SendText("login");
  EXPECT_THAT(other.ReceiveEnd(), IsClose(1013));
}

}  // namespace
}  // namespace longwire::test
