// The WebSocket port's answers to every kind of first request (design section 4).
#include <algorithm>

#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;

class Handshake : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.ws_subprotocols = {"chat.v1", "chat.v2"};
    Start(options);
  }
};

TEST_F(Handshake, IsAnsweredWith101AndTheAcceptValueOfTheRfc) {
  const Peer& peer = Join();
  EXPECT_EQ(peer.enter.enter().path(), "/");
}

TEST_F(Handshake, SaysUpgradeAndConnectionInItsAnswer) {
  WsClient client;
  const HttpAnswer answer = client.Open(gateway().ws());
  EXPECT_THAT(answer, HasStatus(101));
  EXPECT_EQ(answer.Header("upgrade"), "websocket");
  EXPECT_EQ(answer.Header("connection"), "Upgrade");
  EXPECT_FALSE(answer.Has("sec-websocket-protocol"));
  EXPECT_FALSE(answer.Has("sec-websocket-extensions"));
}

TEST_F(Handshake, UpgradesAtAnyPathBelowTheRoot) {
  EXPECT_EQ(Join(HttpRequest::Upgrade("/a/b/c")).enter.enter().path(), "/a/b/c");
}

TEST_F(Handshake, TakesTokensInAnyCaseAndInLists) {
  Join(HttpRequest::Upgrade().Set("Upgrade", "WebSocket").Set("Connection", "keep-alive, upgrade"));
}

TEST_F(Handshake, IgnoresH2cBesideWebsocket) {
  Join(HttpRequest::Upgrade()
           .Set("Upgrade", "h2c, websocket")
           .Set("Connection", "Upgrade, HTTP2-Settings")
           .Set("HTTP2-Settings", "AAMAAABkAAQAAP__"));
}

TEST_F(Handshake, AnswersH2cAloneLikeAPlainGet) {
  const HttpAnswer answer = Fetch(gateway().ws(), HttpRequest::Get("/")
                                                      .Set("Upgrade", "h2c")
                                                      .Set("Connection", "Upgrade, HTTP2-Settings")
                                                      .Set("HTTP2-Settings", "AAMAAABkAAQAAP__"));
  EXPECT_THAT(answer, HasStatus(426));
}

TEST_F(Handshake, TakesAnAbsoluteTarget) {
  const Peer& peer = Join(HttpRequest::Upgrade("http://gateway.test/room?x=1"));
  EXPECT_EQ(peer.enter.enter().path(), "/room");
  EXPECT_EQ(peer.enter.enter().query(), "x=1");
}

TEST_F(Handshake, ChoosesTheClientsFirstSubprotocolThatIsListed) {
  WsClient client;
  const HttpAnswer answer = client.Open(
      gateway().ws(),
      HttpRequest::Upgrade().Set("Sec-WebSocket-Protocol", "unknown, chat.v2, chat.v1"));
  EXPECT_THAT(answer, HasStatus(101));
  EXPECT_EQ(answer.Header("sec-websocket-protocol"), "chat.v2");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).enter().subprotocol(), "chat.v2");
}

TEST_F(Handshake, ChoosesAmongRepeatedSubprotocolHeaders) {
  const Peer& peer = Join(HttpRequest::Upgrade()
                              .Add("Sec-WebSocket-Protocol", "unknown")
                              .Add("Sec-WebSocket-Protocol", "chat.v1"));
  EXPECT_EQ(peer.enter.enter().subprotocol(), "chat.v1");
}

TEST_F(Handshake, AgreesOnNoSubprotocolWhenNoneIsListed) {
  WsClient client;
  const HttpAnswer answer = client.Open(
      gateway().ws(), HttpRequest::Upgrade().Set("Sec-WebSocket-Protocol", "CHAT.V1, other"));
  EXPECT_THAT(answer, HasStatus(101));
  EXPECT_FALSE(answer.Has("sec-websocket-protocol"));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).enter().subprotocol(), "");
}

TEST_F(Handshake, OffersNoExtension) {
  WsClient client;
  const HttpAnswer answer = client.Open(
      gateway().ws(), HttpRequest::Upgrade().Set("Sec-WebSocket-Extensions", "permessage-deflate"));
  EXPECT_THAT(answer, HasStatus(101));
  EXPECT_FALSE(answer.Has("sec-websocket-extensions"));
}

TEST_F(Handshake, KeepsFramesOfItsOwnSegment) {
  Join(HttpRequest::Upgrade(), {.first_bytes = TextFrame("early") + TextFrame("bird")});
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "early");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "bird");
}

// RFC 9112 5.2: obsolete, to be refused or read as spaces.
TEST_F(Handshake, ReadsAFoldedHeaderAsOne) {
  const Peer& peer = Join(HttpRequest::Upgrade().Set("X-Fold", "a\r\n b"));
  EXPECT_EQ(peer.enter.enter().headers().at("x-fold"), "a b");
}

TEST_F(Handshake, MayComeByteByByte) {
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  ASSERT_TRUE(socket.SendByteByByte(HttpRequest::Upgrade().ToString()));
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(socket, rest), HasStatus(101));
}

TEST_F(Handshake, OfAPlainGetGets426WithItsHeaders) {
  const HttpAnswer answer = Fetch(gateway().ws(), HttpRequest::Get("/"));
  EXPECT_THAT(answer, HasStatus(426));
  EXPECT_EQ(answer.Header("upgrade"), "websocket");
  EXPECT_THAT(answer.Header("connection"), HasSubstr("Upgrade"));
  EXPECT_EQ(answer.Header("sec-websocket-version"), "13");
  EXPECT_NE(answer.body, "");
}

TEST_F(Handshake, OfAnotherVersionGets426WithTheRightOne) {
  for (const char* version : {"8", "0", "14", "13, 8", "x", ""}) {
    const HttpAnswer answer =
        Fetch(gateway().ws(), HttpRequest::Upgrade().Set("Sec-WebSocket-Version", version));
    EXPECT_THAT(answer, HasStatus(426)) << "version \"" << version << "\"";
    EXPECT_EQ(answer.Header("sec-websocket-version"), "13");
  }
}

TEST_F(Handshake, RefusedIsFollowedByTheEndOfTheConnection) {
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  ASSERT_TRUE(socket.Send(HttpRequest::Get("/").ToString()));
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(socket, rest), HasStatus(426));
  EXPECT_EQ(socket.Read(rest), ReadResult::kEof);
}

TEST_F(Handshake, RefusedOpensNoSession) {
  Open(400, HttpRequest::Upgrade().Remove("Host"));
  Open(426, HttpRequest::Get("/"));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Handshake, WithHeadersBeyondTheirBoundGets431) {
  Open(431, HttpRequest::Upgrade().Set("X-Big", std::string(32 * 1024, 'x')));
}

TEST_F(Handshake, WithHeadersBelowTheirBoundIsTaken) {
  const std::string big(8 * 1024, 'x');
  const Peer& peer = Join(HttpRequest::Upgrade().Set("X-Big", big));
  EXPECT_EQ(peer.enter.enter().headers().at("x-big"), big);
}

TEST_F(Handshake, WithEndlessHeadersGets431BeforeTheyEnd) {
  EXPECT_THAT(
      FetchRaw(gateway().ws(), "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x')),
      HasStatus(431));
}

TEST_F(Handshake, AnswersHealthzAndReadyzOnTheSamePort) {
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/healthz")), HasStatus(200));
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/readyz")), HasStatus(200));
}

TEST_F(Handshake, AnswersHealthzAlsoToAnUpgrade) {
  Open(200, HttpRequest::Upgrade("/healthz"));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Handshake, SaysInTheBodyWhyItWasRefused) {
  EXPECT_NE(Fetch(gateway().ws(), HttpRequest::Upgrade().Remove("Host")).body, "");
}

// A request that is not a WebSocket handshake, and the status it gets.
struct BadRequest {
  const char* name;
  int status;
  std::string bytes;
};
void PrintTo(const BadRequest& bad, std::ostream* os) {
  *os << bad.name;
}

class HandshakeRefusal : public GatewayTest, public ::testing::WithParamInterface<BadRequest> {};

TEST_P(HandshakeRefusal, HasItsStatusAndLeavesTheGatewayWell) {
  Start();
  EXPECT_THAT(FetchRaw(gateway().ws(), GetParam().bytes), HasStatus(GetParam().status));
  Join();
}

std::string Bytes(const HttpRequest& request) {
  return request.ToString();
}

const BadRequest kBadRequests[] = {
    {"Post", 400, Bytes(HttpRequest::Upgrade().Method("POST"))},
    {"Head", 400, Bytes(HttpRequest::Upgrade().Method("HEAD"))},
    {"Options", 400, Bytes(HttpRequest::Upgrade().Method("OPTIONS"))},
    {"LowerCaseGet", 400, Bytes(HttpRequest::Upgrade().Method("get"))},
    {"Http10", 400, Bytes(HttpRequest::Upgrade().Version("HTTP/1.0"))},
    {"Http09", 400, "GET /\r\n\r\n"},
    {"Http2Preface", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"Http12", 400, Bytes(HttpRequest::Upgrade().Version("HTTP/1.2"))},
    {"BodyWithLength", 400, Bytes(HttpRequest::Upgrade().Set("Content-Length", "5").Body("hello"))},
    {"BodyInChunks", 400,
     Bytes(HttpRequest::Upgrade().Set("Transfer-Encoding", "chunked").Body("0\r\n\r\n"))},
    {"LengthThatIsNoNumber", 400, Bytes(HttpRequest::Upgrade().Set("Content-Length", "five"))},
    {"NegativeLength", 400, Bytes(HttpRequest::Upgrade().Set("Content-Length", "-1"))},
    {"NoHost", 400, Bytes(HttpRequest::Upgrade().Remove("Host"))},
    {"TwoHosts", 400, Bytes(HttpRequest::Upgrade().Add("Host", "other.test"))},
    {"NoKey", 400, Bytes(HttpRequest::Upgrade().Remove("Sec-WebSocket-Key"))},
    {"EmptyKey", 400, Bytes(HttpRequest::Upgrade().Set("Sec-WebSocket-Key", ""))},
    {"ShortKey", 400, Bytes(HttpRequest::Upgrade().Set("Sec-WebSocket-Key", "c2hvcnQ="))},
    {"KeyThatIsNoBase64", 400,
     Bytes(HttpRequest::Upgrade().Set("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!=="))},
    {"TwoKeys", 400,
     Bytes(HttpRequest::Upgrade().Add("Sec-WebSocket-Key", std::string(kHandshakeKey)))},
    {"NoVersion", 426, Bytes(HttpRequest::Upgrade().Remove("Sec-WebSocket-Version"))},
    {"NoUpgradeHeader", 426, Bytes(HttpRequest::Upgrade().Remove("Upgrade"))},
    {"NoConnectionHeader", 426, Bytes(HttpRequest::Upgrade().Remove("Connection"))},
    {"UpgradeToOtherThing", 426, Bytes(HttpRequest::Upgrade().Set("Upgrade", "websockets"))},
    {"Expect", 417, Bytes(HttpRequest::Upgrade().Set("Expect", "100-continue"))},
    {"TargetWithoutSlash", 400, Bytes(HttpRequest::Upgrade("room"))},
    {"TargetStar", 400, Bytes(HttpRequest::Upgrade("*"))},
    {"EmptyTarget", 400, "GET  HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"SpaceInTarget", 400, Bytes(HttpRequest::Upgrade("/a b"))},
    {"PathNotUtf8", 400, Bytes(HttpRequest::Upgrade("/\xff\xfe"))},
    {"PathWithSurrogate", 400, Bytes(HttpRequest::Upgrade("/\xed\xa0\x80"))},
    {"QueryNotUtf8", 400, Bytes(HttpRequest::Upgrade("/?a=\xc3\x28"))},
    {"HeaderNotUtf8", 400, Bytes(HttpRequest::Upgrade().Set("X-Name", "caf\xe9"))},
    {"CookieNotUtf8", 400, Bytes(HttpRequest::Upgrade().Set("Cookie", "a=\xe9"))},
    {"NulInHeader", 400, Bytes(HttpRequest::Upgrade().Set("X-Name", std::string("a\0b", 3)))},
    {"BareCarriageReturnInHeader", 400, Bytes(HttpRequest::Upgrade().Set("X-Name", "a\rb: c"))},
    {"HeaderWithoutColon", 400, "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"},
    {"SpaceBeforeColon", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
    {"EmptyHeaderName", 400, "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"},
    {"NotHttp", 400, "hello, is this a chat?\r\n\r\n"},
    {"TlsClientHello", 400,
     std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
};

INSTANTIATE_TEST_SUITE_P(Of, HandshakeRefusal, ::testing::ValuesIn(kBadRequests),
                         [](const auto& instance) { return std::string(instance.param.name); });

class HandshakePath : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.ws_path = "/ws";
    Start(options);
  }
};

TEST_F(HandshakePath, UpgradesAtTheWsPathAndBelowIt) {
  EXPECT_EQ(Join(HttpRequest::Upgrade("/ws")).enter.enter().path(), "/ws");
  EXPECT_EQ(Join(HttpRequest::Upgrade("/ws/room?a=1")).enter.enter().path(), "/ws/room");
}

TEST_F(HandshakePath, Answers404Elsewhere) {
  for (const char* target : {"/", "/w", "/wsx", "/other/ws", "/?/ws"}) {
    Open(404, HttpRequest::Upgrade(target));
    EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get(target)), HasStatus(404)) << target;
  }
}

TEST_F(HandshakePath, DoesNotHideHealthzAndReadyz) {
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/healthz")), HasStatus(200));
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Get("/readyz")), HasStatus(200));
}

class HandshakeLimits : public GatewayTest {};

TEST_F(HandshakeLimits, CutAClientThatDripsItsRequest) {
  Options options = TestGateway::QuickOptions();
  options.handshake_timeout_millis = 300;
  Start(options);
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  const std::string request = HttpRequest::Upgrade().ToString();
  // A byte each 20 ms takes seconds for all: progress must not win more time.
  const Deadline deadline(Millis(5'000));
  std::string answer;
  ReadResult result = ReadResult::kTimeout;
  for (size_t i = 0; i < request.size() && result == ReadResult::kTimeout; ++i) {
    socket.Send(request.substr(i, 1));
    result = socket.Read(answer, Millis(20));
  }
  while (result == ReadResult::kData) result = socket.Read(answer);
  EXPECT_NE(result, ReadResult::kTimeout) << "the whole request was let through";
  EXPECT_THAT(answer, ::testing::StartsWith("HTTP/1.1 408 "));
  EXPECT_FALSE(deadline.Passed());
}

TEST_F(HandshakeLimits, CutAClientThatSaysNothing) {
  Options options = TestGateway::QuickOptions();
  options.handshake_timeout_millis = 200;
  Start(options);
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  std::string answer;
  ReadResult result = ReadResult::kData;
  while (result == ReadResult::kData) result = socket.Read(answer, Millis(3'000));
  EXPECT_EQ(result, ReadResult::kEof);
}

TEST_F(HandshakeLimits, DoNotCutASessionOnceItIsOpen) {
  Options options = TestGateway::QuickOptions();
  options.handshake_timeout_millis = 200;
  Start(options);
  Peer& peer = Join();
  EXPECT_EQ(peer.ws.Receive(Millis(500)).kind, Received::Kind::kTimeout);
}

TEST_F(HandshakeLimits, AnswerBeyondSessionsMaxWith503AndRetryAfter) {
  Options options = TestGateway::QuickOptions();
  options.sessions_max = 2;
  Start(options);
  Peer& first = Join();
  Join();
  WsClient third;
  const HttpAnswer answer = third.Open(gateway().ws());
  EXPECT_THAT(answer, HasStatus(503));
  EXPECT_NE(answer.Header("retry-after"), "");
  // A place that becomes free is given again.
  first.ws.SendClose(1000);
  EXPECT_THAT(first.ws.ReceiveEnd(), IsClose(1000));
  NextLeaveOf(first);
  EXPECT_TRUE(
      EventuallySees([&] { return WsClient().Open(gateway().ws()).status; }, ::testing::Eq(101)));
}

}  // namespace
}  // namespace longwire::test
