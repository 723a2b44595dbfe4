// Authentication at the handshake: --auth=grpc against a real Authenticator service.
#include "tests/support/fake_authenticator.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class AuthAtHandshake : public GatewayTest {
 protected:
  void SetUp() override { StartWithTimeout(5'000); }

  void StartWithTimeout(int64_t auth_timeout_millis) {
    Options options = TestGateway::QuickOptions();
    options.auth = AuthKind::kGrpc;
    options.auth_at = AuthAt::kHandshake;
    options.auth_timeout_millis = auth_timeout_millis;
    options.authenticator_address = authenticator_.address();
    Start(options);
  }

  HttpAnswer Answer(const std::string& target = "/?token=alice") {
    return WsClient().Open(gateway().ws(), HttpRequest::Upgrade(target));
  }
  void ExpectRefusal(int status) {
    EXPECT_THAT(Answer(), HasStatus(status));
    EXPECT_TRUE(events().SeesNothingNew());
  }
  void ExpectTryAgainLater() {
    const HttpAnswer answer = Answer();
    EXPECT_THAT(answer, HasStatus(503));
    EXPECT_NE(answer.Header("retry-after"), "");
    EXPECT_TRUE(events().SeesNothingNew());
  }

  FakeAuthenticator authenticator_;
};

TEST_F(AuthAtHandshake, AdmitsWithTheUidThatTheAuthenticatorSays) {
  EXPECT_EQ(Join(HttpRequest::Upgrade("/?token=alice")).enter.uid(), "alice");
}

TEST_F(AuthAtHandshake, ShowsTheAuthenticatorTheWholeHandshake) {
  const Peer& peer = Join(HttpRequest::Upgrade("/room?a=1&token=alice")
                              .Set("Authorization", "Bearer secret")
                              .Set("Cookie", "sid=1")
                              .Add("X-Tag", "a")
                              .Add("X-Tag", "b"));
  const auto calls = authenticator_.calls();
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].session_id(), peer.id());
  EXPECT_FALSE(calls[0].has_message());
  const v1::Enter& handshake = calls[0].handshake();
  EXPECT_EQ(handshake.path(), "/room");
  EXPECT_EQ(handshake.query(), "a=1&token=alice");
  EXPECT_THAT(handshake.remote_address(), ::testing::StartsWith("127.0.0.1"));
  EXPECT_THAT(handshake.headers(), Contains(Pair("authorization", "Bearer secret")));
  EXPECT_THAT(handshake.headers(), Contains(Pair("cookie", "sid=1")));
  EXPECT_THAT(handshake.headers(), Contains(Pair("x-tag", "a, b")));
  EXPECT_THAT(handshake.headers(), Contains(Pair("sec-websocket-key", std::string(kHandshakeKey))));
  EXPECT_THAT(handshake.attributes(), IsEmpty());
}

TEST_F(AuthAtHandshake, PassesReplyToTheClientAndAttributesToTheBackends) {
  authenticator_.AnswerWith([](const auto&, v1::AuthenticateResponse& response) {
    response.set_uid("bob");
    response.mutable_reply()->set_text("welcome, bob");
    (*response.mutable_attributes())["plan"] = "gold";
    return grpc::Status::OK;
  });
  Peer& peer = Join();
  EXPECT_EQ(peer.ws.Receive(), Received::Text("welcome, bob"));
  EXPECT_EQ(peer.enter.uid(), "bob");
  EXPECT_THAT(peer.enter.enter().attributes(), Contains(Pair("plan", "gold")));
}

TEST_F(AuthAtHandshake, PassesABinaryReplyAsBinary) {
  authenticator_.AnswerWith([](const auto&, v1::AuthenticateResponse& response) {
    response.mutable_reply()->set_binary(std::string("\x00\xff", 2));
    return grpc::Status::OK;
  });
  Peer& peer = Join();
  EXPECT_EQ(peer.ws.Receive(), Received::Binary(std::string("\x00\xff", 2)));
}

TEST_F(AuthAtHandshake, AdmitsAnEmptyUidAsAnonymous) {
  EXPECT_EQ(Join(HttpRequest::Upgrade("/")).enter.uid(), "");
}

TEST_F(AuthAtHandshake, RefusesUnauthenticatedWith401AndTheTextInTheBody) {
  authenticator_.RefuseWith(grpc::StatusCode::UNAUTHENTICATED, "this token is of yesterday");
  const HttpAnswer answer = Answer();
  EXPECT_THAT(answer, HasStatus(401));
  EXPECT_THAT(answer.body, HasSubstr("this token is of yesterday"));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(AuthAtHandshake, RefusesPermissionDeniedWith403AndTheTextInTheBody) {
  authenticator_.RefuseWith(grpc::StatusCode::PERMISSION_DENIED, "not in this country");
  const HttpAnswer answer = Answer();
  EXPECT_THAT(answer, HasStatus(403));
  EXPECT_THAT(answer.body, HasSubstr("not in this country"));
}

TEST_F(AuthAtHandshake, AnswersAnyOtherStatusWith503) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::INTERNAL,
                          grpc::StatusCode::NOT_FOUND, grpc::StatusCode::UNKNOWN,
                          grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::CANCELLED}) {
    authenticator_.RefuseWith(code, "trouble");
    const HttpAnswer answer = Answer();
    EXPECT_THAT(answer, HasStatus(503)) << "gRPC code " << code;
    EXPECT_NE(answer.Header("retry-after"), "");
  }
}

TEST_F(AuthAtHandshake, AnswersAnAuthenticatorThatIsAwayWith503) {
  authenticator_.ShutDown();
  ExpectTryAgainLater();
}

TEST_F(AuthAtHandshake, KeepsLiveSessionsWhenTheAuthenticatorGoesAway) {
  Peer& peer = Join(HttpRequest::Upgrade("/?token=alice"));
  authenticator_.ShutDown();
  ExpectTryAgainLater();
  peer.ws.SendText("still in");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).uid(), "alice");
}

TEST_F(AuthAtHandshake, TakesAUidOf128BytesAndNoLonger) {
  EXPECT_EQ(Join(HttpRequest::Upgrade("/?token=" + std::string(128, 'u'))).enter.uid(),
            std::string(128, 'u'));
  EXPECT_THAT(Answer("/?token=" + std::string(129, 'u')), HasStatus(503));
}

TEST_F(AuthAtHandshake, TakesAttributesOf4KiBAndNoMore) {
  size_t value_bytes = 4096 - 3;
  authenticator_.AnswerWith([&](const auto&, v1::AuthenticateResponse& response) {
    (*response.mutable_attributes())["key"] = std::string(value_bytes, 'v');
    return grpc::Status::OK;
  });
  EXPECT_EQ(Join().enter.enter().attributes().at("key").size(), value_bytes);
  value_bytes += 1;
  ExpectTryAgainLater();
}

TEST_F(AuthAtHandshake, KeepsFramesThatCameBeforeTheAnswer) {
  authenticator_.Hold();
  WsClient client;
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/?token=alice").ToString() + TextFrame("eager"));
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  EXPECT_TRUE(events().SeesNothingNew());
  authenticator_.Release();
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "eager");
}

TEST_F(AuthAtHandshake, ForgetsAClientThatLeavesBeforeTheAnswer) {
  authenticator_.Hold();
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/?token=alice").ToString());
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  socket.Abort();
  authenticator_.Release();
  // Either it was noticed and nothing is told, or it is told as an ENTER with its LEAVE.
  const WsClient other = Open(101, HttpRequest::Upgrade("/?token=bob"));
  EXPECT_TRUE(events().WaitFor([](const EventCollector::Seen& seen) {
    size_t alice = 0, bob = 0;
    for (const v1::Event& event : seen.events) ++(event.uid() == "bob" ? bob : alice);
    return bob == 1 && alice == 2 * seen.leaves;
  }));
}

TEST_F(AuthAtHandshake, DoesNotMakeOneClientWaitForAnother) {
  authenticator_.Hold();
  TcpSocket waiting;
  ASSERT_EQ(waiting.Connect(gateway().ws()), "");
  waiting.Send(HttpRequest::Upgrade("/?token=alice").ToString());
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/healthz")), HasStatus(200));
  TcpSocket second;
  ASSERT_EQ(second.Connect(gateway().ws()), "");
  second.Send(HttpRequest::Upgrade("/?token=bob").ToString());
  EXPECT_TRUE(authenticator_.WaitForCalls(2));
  authenticator_.Release();
  EXPECT_TRUE(events().WaitForEvents(2));
}

TEST_F(AuthAtHandshake, AnswersAnAuthenticatorThatIsTooLateWith503) {
  StartWithTimeout(300);
  authenticator_.Hold();
  ExpectTryAgainLater();
  authenticator_.Release();
  // The late answer admits nobody.
  EXPECT_TRUE(events().SeesNothingNew());
}

// The handshake timeout is for the client, the auth timeout for the Authenticator.
TEST_F(AuthAtHandshake, IsNotCutByTheHandshakeTimeout) {
  Options options = TestGateway::QuickOptions();
  options.auth = AuthKind::kGrpc;
  options.authenticator_address = authenticator_.address();
  options.handshake_timeout_millis = 150;
  Start(options);
  authenticator_.Hold();
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/?token=alice").ToString());
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  std::string answer;
  EXPECT_EQ(socket.Read(answer, Millis(500)), ReadResult::kTimeout);
  authenticator_.Release();
  EXPECT_THAT(ReadHttpAnswer(socket, answer), HasStatus(101));
}

// On one loop, where the answer to the first comes while the second is asked for, and on two, where
// it comes on the other's thread besides.
TEST_F(AuthAtHandshake, GivesEachClientItsOwnAnswerWhenTwoAreGivenAtOnce) {
  for (const uint32_t threads : {1u, 2u}) {
    Options options = TestGateway::QuickOptions();
    options.threads = threads;
    Start(options, {.auth = std::make_shared<PairedQueryAuth>()});
    const auto open = [&](WsClient& client, const std::string& uid) {
      EXPECT_THAT(client.Open(gateway().ws(), HttpRequest::Upgrade("/?uid=" + uid)),
                  HasStatus(101));
    };
    WsClient alice, bob;
    std::thread opening([&] { open(alice, "alice"); });
    open(bob, "bob");
    opening.join();
    for (int i = 0; i < 2; ++i) {
      const v1::Event enter = events().Next(v1::EVENT_TYPE_ENTER);
      Route(RouteTo(enter.session_id(), TextMessage(enter.uid())));
    }
    EXPECT_EQ(alice.Receive(), Received::Text("alice"));
    EXPECT_EQ(bob.Receive(), Received::Text("bob"));
  }
}

TEST_F(AuthAtHandshake, GoesByTheFirstAnswerOfAProviderThatContradictsItself) {
  Start(TestGateway::QuickOptions(), {.auth = std::make_shared<ContradictingAuth>()});
  EXPECT_THAT(Answer(), HasStatus(403));
  EXPECT_TRUE(events().SeesNothingNew());
}

}  // namespace
}  // namespace longwire::test
