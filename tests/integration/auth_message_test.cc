// Authentication with the first message: --auth-at=message.
#include <memory>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class AuthAtMessage : public GatewayTest {
 protected:
  void SetUp() override { StartWithTimeout(5'000); }

  void StartWithTimeout(int64_t auth_timeout_millis) {
    Options options = TestGateway::QuickOptions();
    options.auth = AuthKind::kGrpc;
    options.auth_at = AuthAt::kMessage;
    options.auth_timeout_millis = auth_timeout_millis;
    options.authenticator_address = authenticator_.address();
    options.message_bytes_max = 1024;
    Start(options);
  }

  // Opens a WebSocket, sends `first` and expects to be closed without ever having had a session.
  Received EndAfter(std::string_view first) {
    WsClient client = Open(101);
    client.Send(first);
    Received end = client.ReceiveEnd();
    EXPECT_TRUE(events().SeesNothingNew());
    return end;
  }

  FakeAuthenticator authenticator_;
};

TEST_F(AuthAtMessage, UpgradesBeforeItAsksAnybody) {
  Open(101);
  EXPECT_TRUE(events().SeesNothingNew());
  EXPECT_THAT(authenticator_.calls(), SizeIs(0));
}

TEST_F(AuthAtMessage, AdmitsWithTheUidThatTheAuthenticatorSays) {
  WsClient client = Open(101);
  client.SendText("alice");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  const auto calls = authenticator_.calls();
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].message().text(), "alice");
  EXPECT_EQ(calls[0].handshake().path(), "/");
}

TEST_F(AuthAtMessage, DoesNotTellTheLoginToBackends) {
  WsClient client = Open(101);
  client.SendText("alice");
  events().Next(v1::EVENT_TYPE_ENTER);
  client.SendText("hello");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "hello");
}

TEST_F(AuthAtMessage, ShowsABinaryLoginAsBinary) {
  authenticator_.AnswerWith([](const v1::AuthenticateRequest& request, auto& response) {
    response.set_uid(request.message().binary() == std::string("\x00\xff", 2) ? "bin" : "other");
    return grpc::Status::OK;
  });
  WsClient client = Open(101);
  client.SendBinary(std::string("\x00\xff", 2));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "bin");
}

TEST_F(AuthAtMessage, PassesTheReplyBeforeAnythingElse) {
  authenticator_.AnswerWith([](const auto&, v1::AuthenticateResponse& response) {
    response.set_uid("alice");
    response.mutable_reply()->set_text("welcome");
    return grpc::Status::OK;
  });
  WsClient client = Open(101);
  client.SendText("let me in");
  const v1::Event enter = events().Next(v1::EVENT_TYPE_ENTER);
  Route(RouteTo(enter.session_id(), TextMessage("first push")));
  EXPECT_EQ(client.Receive(), Received::Text("welcome"));
  EXPECT_EQ(client.Receive(), Received::Text("first push"));
}

TEST_F(AuthAtMessage, HoldsWhatFollowsTheLoginUntilTheAnswer) {
  authenticator_.Hold();
  WsClient client = Open(101);
  client.Send(TextFrame("alice") + TextFrame("one") + TextFrame("two"));
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  EXPECT_TRUE(events().SeesNothingNew());
  authenticator_.Release();
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "one");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "two");
  EXPECT_THAT(authenticator_.calls(), SizeIs(1));
}

TEST_F(AuthAtMessage, HasNoSessionToRouteToBeforeTheAnswer) {
  authenticator_.Hold();
  WsClient client = Open(101);
  client.SendText("alice");
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  EXPECT_THAT(Route(RouteTo(authenticator_.calls()[0].session_id(), TextMessage("early"))),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_THAT(Route(RouteTo("alice", TextMessage("early"))),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "UID_OFFLINE"));
  authenticator_.Release();
  events().Next(v1::EVENT_TYPE_ENTER);
}

TEST_F(AuthAtMessage, AnswersPingBeforeTheLogin) {
  WsClient client = Open(101);
  client.Send(PingFrame("anybody there?"));
  EXPECT_EQ(client.Receive(), Received::Pong("anybody there?"));
}

TEST_F(AuthAtMessage, RefusesUnauthenticatedWith4401AndTheText) {
  authenticator_.RefuseWith(grpc::StatusCode::UNAUTHENTICATED, "who are you?");
  EXPECT_EQ(EndAfter(TextFrame("mallory")), Received::Close(4401, "who are you?"));
}

TEST_F(AuthAtMessage, RefusesPermissionDeniedWith4403) {
  authenticator_.RefuseWith(grpc::StatusCode::PERMISSION_DENIED, "not you");
  EXPECT_THAT(EndAfter(TextFrame("mallory")), IsClose(4403));
}

TEST_F(AuthAtMessage, AnswersAnyOtherStatusWith1013) {
  authenticator_.RefuseWith(grpc::StatusCode::INTERNAL, "trouble");
  EXPECT_THAT(EndAfter(TextFrame("alice")), IsClose(1013));
}

TEST_F(AuthAtMessage, AnswersAnAuthenticatorThatIsAwayWith1013) {
  authenticator_.ShutDown();
  EXPECT_THAT(EndAfter(TextFrame("alice")), IsClose(1013));
}

TEST_F(AuthAtMessage, AnswersAUidThatIsTooLongWith1013) {
  EXPECT_THAT(EndAfter(TextFrame(std::string(129, 'u'))), IsClose(1013));
}

TEST_F(AuthAtMessage, CutsARefusalTextTo123BytesOfUtf8) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ü";
  authenticator_.RefuseWith(grpc::StatusCode::UNAUTHENTICATED, text);
  const Received end = EndAfter(TextFrame("mallory"));
  EXPECT_THAT(end, IsClose(4401));  // The client refuses a reason that is not UTF-8.
  EXPECT_LE(end.payload.size(), 123u);
  EXPECT_GT(end.payload.size(), 100u);
}

TEST_F(AuthAtMessage, ClosesAClientThatNeverLogsInWith4408) {
  StartWithTimeout(200);
  EXPECT_THAT(EndAfter(""), IsClose(4408));
}

TEST_F(AuthAtMessage, ClosesAClientThatOnlyPingsWith4408) {
  StartWithTimeout(300);
  WsClient client = Open(101);
  const Deadline deadline(Millis(5'000));
  Received received;
  do {
    client.Send(PingFrame());
    received = client.Receive(Millis(50));
  } while (!deadline.Passed() &&
           (received.kind == Received::Kind::kPong || received.kind == Received::Kind::kTimeout));
  EXPECT_THAT(received, IsClose(4408));
}

TEST_F(AuthAtMessage, AnswersAnAuthenticatorThatIsTooLateWith1013) {
  StartWithTimeout(300);
  authenticator_.Hold();
  EXPECT_THAT(EndAfter(TextFrame("alice")), IsClose(1013));
  authenticator_.Release();
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(AuthAtMessage, TellsNothingOfAClientThatBreaksTheProtocolBefore) {
  EXPECT_THAT(EndAfter(Frame{.payload = "x", .masked = false}.Bytes()), IsClose(1002));
  EXPECT_THAT(EndAfter(TextFrame("\xff")), IsClose(1007));
  EXPECT_THAT(EndAfter(TextFrame(std::string(1025, 'x'))), IsClose(1009));
  WsClient client = Open(101);
  client.SendClose(1000);
  EXPECT_THAT(client.ReceiveEnd(), IsClose(1000));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(AuthAtMessage, EndsWithTheTimeThatTheAuthenticatorGave) {
  authenticator_.AnswerWith([](const auto&, v1::AuthenticateResponse& response) {
    const auto soon = std::chrono::system_clock::now().time_since_epoch() + Millis(700);
    const auto millis = std::chrono::duration_cast<Millis>(soon).count();
    response.set_uid("alice");
    response.mutable_expires_at()->set_seconds(millis / 1000);
    response.mutable_expires_at()->set_nanos(static_cast<int>(millis % 1000) * 1'000'000);
    return grpc::Status::OK;
  });
  WsClient client = Open(101);
  client.SendText("let me in");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  EXPECT_THAT(client.ReceiveEnd(), IsClose(4401));
  EXPECT_THAT(events().Next(v1::EVENT_TYPE_LEAVE).leave(),
              IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, 4401));
}

TEST_F(AuthAtMessage, NeverKeepsAClientWhoseTimeIsOver) {
  authenticator_.AnswerWith([](const auto&, v1::AuthenticateResponse& response) {
    response.mutable_expires_at()->set_seconds(1);
    return grpc::Status::OK;
  });
  WsClient client = Open(101);
  client.SendText("let me in");
  // Admitted and ended at once, or never admitted: but never left in.
  EXPECT_THAT(client.ReceiveEnd().kind, ::testing::Eq(Received::Kind::kClose));
}

TEST_F(AuthAtMessage, ForgetsAClientThatLeavesBeforeTheAnswer) {
  authenticator_.Hold();
  WsClient client = Open(101);
  client.SendText("alice");
  ASSERT_TRUE(authenticator_.WaitForCalls(1));
  client.Abort();
  // The other's answer comes behind the first's, on whatever loop: then both have been dealt with.
  WsClient other = Open(101);
  other.SendText("bob");
  ASSERT_TRUE(authenticator_.WaitForCalls(2));
  authenticator_.Release();
  EXPECT_TRUE(events().WaitFor([](const EventCollector::Seen& seen) {
    return !seen.events.empty() && seen.events.back().uid() == "bob" &&
           (seen.events.size() == 1 || seen.leaves == 1);
  }));
}

// Providers that are linked in, not asked over gRPC.
class OwnProvider : public GatewayTest {
 protected:
  void StartWith(std::shared_ptr<AuthProvider> auth, AuthAt at) {
    Options options = TestGateway::QuickOptions();
    options.auth_at = at;
    options.auth_timeout_millis = 2'000;
    Start(options, {.auth = std::move(auth)});
  }
};

TEST_F(OwnProvider, AnswersFromAnotherThread) {
  StartWith(std::make_shared<ThreadedQueryAuth>(), AuthAt::kHandshake);
  for (int i = 0; i < 50; ++i) {
    const std::string uid = "user" + std::to_string(i);
    Peer& peer = Join(HttpRequest::Upgrade("/?uid=" + uid));
    EXPECT_EQ(peer.enter.uid(), uid);
    peer.ws.Close();
    NextLeaveOf(peer);
  }
}

TEST_F(OwnProvider, ClosesWith4401WhenTheFirstMessageIsNoLogin) {
  StartWith(std::make_shared<FixedAuth>(AuthAccepted{.uid = "alice"}), AuthAt::kMessage);
  WsClient stranger = Open(101);
  stranger.SendText("hello");
  EXPECT_THAT(stranger.ReceiveEnd(), IsClose(4401));
  WsClient client = Open(101);
  client.SendText("login please");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
}

TEST_F(OwnProvider, IsNotBelievedAUidThatIsNotUtf8) {
  StartWith(std::make_shared<FixedAuth>(AuthAccepted{.uid = "caf\xe9"}), AuthAt::kHandshake);
  Open(503);
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(OwnProvider, IsNotBelievedAttributesThatAreNotUtf8) {
  StartWith(std::make_shared<FixedAuth>(AuthAccepted{.attributes = {{"k", "\xff"}}}),
            AuthAt::kHandshake);
  Open(503);
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(OwnProvider, IsNotBelievedATextReplyThatIsNotUtf8) {
  StartWith(std::make_shared<FixedAuth>(AuthAccepted{.reply = Message{.body = "\xff"}}),
            AuthAt::kHandshake);
  Open(503);
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(OwnProvider, RefusesWithItsTextInTheBody) {
  StartWith(std::make_shared<FixedAuth>(
                AuthRefused{.kind = AuthRefused::Kind::kForbidden, .text = "closed on Sundays"}),
            AuthAt::kHandshake);
  const HttpAnswer answer = WsClient().Open(gateway().ws());
  EXPECT_THAT(answer, HasStatus(403));
  EXPECT_THAT(answer.body, HasSubstr("closed on Sundays"));
}

TEST_F(OwnProvider, MayAnswerWhenTheClientIsGone) {
  const auto auth = std::make_shared<HeldAuth>();
  StartWith(auth, AuthAt::kHandshake);
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/").ToString());
  HeldAuth::Pending pending = auth->Take();
  socket.Abort();
  pending.done(AuthAccepted{.uid = "ghost"});
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/healthz")), HasStatus(200));
}

TEST_F(OwnProvider, MayAnswerWhenTheGatewayIsGone) {
  const auto auth = std::make_shared<HeldAuth>();
  StartWith(auth, AuthAt::kHandshake);
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.Send(HttpRequest::Upgrade("/").ToString());
  HeldAuth::Pending pending = auth->Take();
  events().Cancel();
  gateway().Stop();
  pending.done(AuthAccepted{.uid = "ghost"});
}

}  // namespace
}  // namespace longwire::test
