// A session that authenticates anew before its authentication ends: the command `auth`.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/certificates.h"
#include "tests/support/fake_authenticator.h"
#include "tests/support/jwt_maker.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::SizeIs;
using ::testing::StartsWith;

// The uid is what the message or the query names; it holds as long as the test says.
class Renewal : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.auth = AuthKind::kGrpc;
    options.authenticator_address = authenticator_.address();
    options.auth_timeout_millis = 1'000;
    options.protocol = ProtocolKind::kCommand;
    AnswerWithExpiry(1'500);
    Start(options);
  }
  void AnswerWithExpiry(int64_t millis) {
    authenticator_.AnswerWith(
        [millis](const v1::AuthenticateRequest& request, v1::AuthenticateResponse& response) {
          const bool is_renewal = request.has_message();
          response.set_uid(is_renewal ? request.message().text().substr(5)
                                      : QueryValue(request.handshake().query(), "uid"));
          if (is_renewal) response.mutable_reply()->set_text("renewed");
          const auto now = std::chrono::system_clock::now().time_since_epoch();
          const int64_t at =
              std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + millis;
          response.mutable_expires_at()->set_seconds(at / 1'000);
          response.mutable_expires_at()->set_nanos(static_cast<int32_t>(at % 1'000 * 1'000'000));
          return grpc::Status::OK;
        });
  }
  Peer& JoinAlice() { return Join(HttpRequest::Upgrade("/chat?uid=alice")); }

  FakeAuthenticator authenticator_;
};

TEST_F(Renewal, KeepsASessionBeyondItsFirstExpiry) {
  Peer& peer = JoinAlice();
  AnswerWithExpiry(60'000);
  peer.ws.SendText("auth alice");
  EXPECT_EQ(peer.ws.Receive(), Received::Text("renewed"));
  EXPECT_EQ(peer.ws.Receive(Millis(2'500)).kind, Received::Kind::kTimeout);
  peer.ws.SendText("say hello");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().command(), "say");
}

TEST_F(Renewal, EndsWithTheNewExpiry) {
  Peer& peer = JoinAlice();
  AnswerWithExpiry(300);
  peer.ws.SendText("auth alice");
  EXPECT_EQ(peer.ws.Receive(), Received::Text("renewed"));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4401));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, 4401));
}

TEST_F(Renewal, ShowsTheProviderWhoAsksAndNoBackendThatItDid) {
  Peer& peer = JoinAlice();
  peer.ws.SendText("auth alice");
  peer.ws.SendText("say hello");
  const v1::Event next = events().Next(v1::EVENT_TYPE_ROUTE);
  EXPECT_EQ(next.routed().command(), "say");
  const auto calls = authenticator_.calls();
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[1].session_id(), peer.id());
  EXPECT_EQ(calls[1].message().text(), "auth alice");
  EXPECT_EQ(calls[1].handshake().path(), "/chat");
  EXPECT_EQ(calls[1].handshake().remote_address(), peer.enter.enter().remote_address());
}

TEST_F(Renewal, ByAnotherUserEndsTheSession) {
  Peer& peer = JoinAlice();
  peer.ws.SendText("auth mallory");
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4401));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, 4401));
}

TEST_F(Renewal, ThatIsRefusedEndsTheSession) {
  for (const auto& [status, code] : {std::pair(grpc::StatusCode::UNAUTHENTICATED, 4401),
                                     std::pair(grpc::StatusCode::PERMISSION_DENIED, 4403)}) {
    AnswerWithExpiry(60'000);
    Peer& peer = JoinAlice();
    authenticator_.RefuseWith(status, "not any more");
    peer.ws.SendText("auth alice");
    const Received end = peer.ws.ReceiveEnd();
    EXPECT_THAT(end, IsClose(code));
    EXPECT_EQ(end.payload, "not any more");
    EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, code));
  }
}

TEST_F(Renewal, ThatNobodyCanJudgeLeavesTheSessionAsItWas) {
  AnswerWithExpiry(60'000);
  Peer& peer = JoinAlice();
  authenticator_.RefuseWith(grpc::StatusCode::UNAVAILABLE, "away");
  peer.ws.SendText("auth alice");
  peer.ws.SendText("say hello");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().command(), "say");
  AnswerWithExpiry(60'000);
  peer.ws.SendText("auth alice");
  EXPECT_EQ(peer.ws.Receive(), Received::Text("renewed"));
}

TEST_F(Renewal, ThatTakesTooLongIsGivenUpAndTheSessionGoesOn) {
  AnswerWithExpiry(60'000);
  Peer& peer = JoinAlice();
  authenticator_.Hold();
  peer.ws.SendText("auth alice");
  peer.ws.SendText("say hello");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().command(), "say");
  authenticator_.Release();
}

TEST_F(Renewal, ThatNobodyCanJudgeDoesNotKeepASessionBeyondItsExpiry) {
  AnswerWithExpiry(1'000);
  Peer& peer = JoinAlice();
  authenticator_.Hold();
  // Each takes the whole timeout, and the next is there already.
  std::string frames;
  for (int i = 0; i < 20; ++i) frames += TextFrame("auth alice");
  peer.ws.Send(frames);
  const Deadline deadline(Millis(4'000));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4401));
  EXPECT_FALSE(deadline.Passed());
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, 4401));
  authenticator_.Release();
}

TEST_F(Renewal, IsNotAnsweredByTheAnswerToAnOlderOne) {
  const auto auth = std::make_shared<HeldAuth>();
  class Renewing final : public AuthProvider {
   public:
    explicit Renewing(std::shared_ptr<HeldAuth> held) : held_(std::move(held)) {}
    bool IsRenewal(MessageView message) const override { return message.body.starts_with("auth"); }
    void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
      held_->Authenticate(std::move(request), std::move(done));
    }

   private:
    const std::shared_ptr<HeldAuth> held_;
  };
  Options options = TestGateway::QuickOptions();
  options.auth_timeout_millis = 300;
  Start(options, {.auth = std::make_shared<Renewing>(auth)});
  WsClient client;
  std::thread opening([&] { EXPECT_THAT(client.Open(gateway().ws()), HasStatus(101)); });
  auth->Take().done(AuthAccepted{.uid = "alice"});
  opening.join();
  events().Next(v1::EVENT_TYPE_ENTER);
  client.SendText("auth one");
  auto first = auth->Take();
  client.SendText("behind the first");
  events().Next(v1::EVENT_TYPE_ROUTE);  // The first has been given up.
  client.SendText("auth two");
  auto second = auth->Take();
  first.done(AuthRefused{AuthRefused::Kind::kUnauthenticated, "too late"});
  second.done(AuthAccepted{.uid = "alice", .reply = Message{.body = "two"}});
  EXPECT_EQ(client.Receive(), Received::Text("two"));
}

TEST_F(Renewal, HoldsBackWhatComesBehindItAndLosesNone) {
  AnswerWithExpiry(60'000);
  Peer& peer = JoinAlice();
  authenticator_.Hold();
  std::string frames = TextFrame("auth alice");
  for (int i = 0; i < 100; ++i) frames += TextFrame("say " + std::to_string(i));
  peer.ws.Send(frames);
  ASSERT_TRUE(authenticator_.WaitForCalls(2));
  EXPECT_TRUE(events().SeesNothingNew());
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("meanwhile"))), ReachedSessions(1))
      << "pushes go on";
  EXPECT_EQ(peer.ws.Receive(), Received::Text("meanwhile"));
  authenticator_.Release();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), std::to_string(i));
  }
}

TEST_F(Renewal, DoesNotOutliveASessionThatIsKickedMeanwhile) {
  AnswerWithExpiry(60'000);
  Peer& peer = JoinAlice();
  authenticator_.Hold();
  peer.ws.SendText("auth alice");
  ASSERT_TRUE(authenticator_.WaitForCalls(2));
  EXPECT_THAT(Kick(KickOf(peer.id(), 4000)), ReachedSessions(1));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4000));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_KICKED, 4000));
  authenticator_.Release();
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Renewal, DoesNotOutliveAClientThatGoesMeanwhile) {
  AnswerWithExpiry(60'000);
  Peer& peer = JoinAlice();
  authenticator_.Hold();
  peer.ws.SendText("auth alice");
  ASSERT_TRUE(authenticator_.WaitForCalls(2));
  peer.ws.Abort();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CONNECTION_LOST, 1006));
  authenticator_.Release();
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Renewal, IsAnOrdinaryMessageWhereClientsDoNotSpeakCommands) {
  Options options = TestGateway::QuickOptions();
  options.auth = AuthKind::kGrpc;
  options.authenticator_address = authenticator_.address();
  AnswerWithExpiry(60'000);
  Start(options);
  JoinAlice().ws.SendText("auth alice");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "auth alice");
}

TEST_F(Renewal, IsAnOrdinaryCommandWhereNobodyIsAsked) {
  Options options = TestGateway::QuickOptions();
  options.protocol = ProtocolKind::kCommand;
  Start(options);
  Join().ws.SendText("auth alice");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().command(), "auth");
}

TEST_F(Renewal, WorksWithASignedTokenToo) {
  const TempDir dir;
  const std::string secret = "a secret of more than thirty-two bytes";
  const JwtMaker maker = JwtMaker::Hs256(secret);
  Options options = TestGateway::QuickOptions();
  options.auth = AuthKind::kJwt;
  options.jwt_algorithm = JwtAlgorithm::kHs256;
  options.jwt_key_files = {dir.Write("secret", secret)};
  options.protocol = ProtocolKind::kCommand;
  Start(options);
  const auto claims = [](const std::string& uid, int64_t seconds) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto at = std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds;
    return R"({"sub":")" + uid + R"(","exp":)" + std::to_string(at) + "}";
  };
  // With the leeway there are one or two seconds left.
  const auto bearing = [&](const std::string& uid) {
    return HttpRequest::Upgrade().Set("Authorization", "Bearer " + maker.Make(claims(uid, -3)));
  };
  Peer& alice = Join(bearing("alice"));
  alice.ws.SendText("auth " + maker.Make(claims("alice", 60)));
  Peer& bob = Join(bearing("bob"));
  bob.ws.SendText("auth " + maker.Make(claims("alice", 60)));
  EXPECT_THAT(bob.ws.ReceiveEnd(), IsClose(4401)) << "another user's";
  events().Next(v1::EVENT_TYPE_LEAVE);
  Peer& carol = Join(bearing("carol"));
  carol.ws.SendText("auth nonsense");
  const Received end = carol.ws.ReceiveEnd();
  EXPECT_THAT(end, IsClose(4401));
  EXPECT_THAT(end.payload, StartsWith("TOKEN_MALFORMED"));
  events().Next(v1::EVENT_TYPE_LEAVE);
  EXPECT_EQ(alice.ws.Receive(Millis(3'000)).kind, Received::Kind::kTimeout) << "has renewed";
}

}  // namespace
}  // namespace longwire::test
