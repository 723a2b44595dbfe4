// TLS for clients: --ws-tls-cert, --ws-tls-key.
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;

class Tls : public GatewayTest {
 protected:
  void SetUp() override { StartWith(TestGateway::QuickOptions()); }

  void StartWith(Options options) {
    WriteCertificate();
    options.ws_tls_cert = dir_.path() + "/cert.pem";
    options.ws_tls_key = dir_.path() + "/key.pem";
    Start(options);
  }
  // A new one, of the same authority. Returns it.
  std::string WriteCertificate() {
    const CertificatePair pair = authority_.Issue("localhost");
    dir_.Write("key.pem", pair.key);
    dir_.Write("cert.pem", pair.certificate);
    return pair.certificate;
  }
  WsOpenOptions OverTls() const { return {.tls_authority = authority_.certificate()}; }
  std::string CertificateShown() {
    TcpSocket socket;
    EXPECT_EQ(socket.Connect(gateway().ws()), "");
    EXPECT_EQ(socket.StartTls(authority_.certificate()), "");
    return socket.PeerCertificate();
  }

  const TempDir dir_;
  const Authority authority_;
};

TEST_F(Tls, CarriesASessionFromEnterToLeave) {
  Peer& peer = Join(HttpRequest::Upgrade("/chat?a=1"), OverTls());
  EXPECT_EQ(peer.enter.enter().path(), "/chat");
  peer.ws.SendText("hello");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "hello");
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("to you"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("to you"));
  peer.ws.SendClose(1000, "bye");
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1000));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 1000));
}

TEST_F(Tls, LosesNoFrameThatComesInTheHandshakesOwnRecord) {
  WsOpenOptions options = OverTls();
  options.first_bytes = TextFrame("first") + TextFrame("second");
  Join(HttpRequest::Upgrade(), options);
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "first");
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "second");
}

TEST_F(Tls, CarriesMessagesLargerThanARecordBothWays) {
  Peer& peer = Join(HttpRequest::Upgrade(), OverTls());
  for (int i = 0; i < 50; ++i) {
    const std::string text(65'536, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(peer.ws.SendText(text));
    EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), text);
    EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage(text))), ReachedSessions(1));
    EXPECT_EQ(peer.ws.Receive(), Received::Text(text));
  }
}

TEST_F(Tls, KeepsAClientThatReadsLateItsMessagesInOrder) {
  WsOpenOptions options = OverTls();
  options.receive_buffer_bytes = 4096;
  Peer& peer = Join(HttpRequest::Upgrade(), options);
  // More than the socket takes: TLS holds an unsent record, and the outbox the rest.
  int taken = 0;
  while (Route(RouteTo(peer.id(), TextMessage(std::to_string(taken) + std::string(50'000, 'x'))))
             .ok()) {
    ++taken;
  }
  EXPECT_GT(taken, 20);
  for (int i = 0; i < taken; ++i) {
    const Received received = peer.ws.Receive();
    ASSERT_EQ(received.kind, Received::Kind::kText);
    ASSERT_TRUE(received.payload.starts_with(std::to_string(i) + "x")) << i;
  }
}

TEST_F(Tls, ClosesAClientThatNeverReadsAsASlowConsumer) {
  Options options = TestGateway::QuickOptions();
  options.slow_consumer_timeout_millis = 300;
  StartWith(options);
  WsOpenOptions deaf = OverTls();
  deaf.receive_buffer_bytes = 4096;
  Peer& peer = Join(HttpRequest::Upgrade(), deaf);
  while (Route(RouteTo(peer.id(), TextMessage(std::string(50'000, 'x')))).ok()) {
  }
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_SLOW_CONSUMER, 1013));
  // What was under way comes whole, and behind it nothing but the Close.
  Received received;
  do {
    received = peer.ws.Receive();
  } while (received.kind == Received::Kind::kText);
  EXPECT_THAT(received, IsClose(1013));
}

TEST_F(Tls, AnswersAnHttpRequestAndEndsTheTlsProperly) {
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  ASSERT_EQ(socket.StartTls(authority_.certificate()), "");
  socket.Send(HttpRequest::Get("/healthz").ToString());
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(socket, rest), HasStatus(200));
  std::string more;
  EXPECT_EQ(socket.Read(more), ReadResult::kEof) << "close_notify, and not just an end";
}

TEST_F(Tls, ShowsPlainTextNothingAndGoesOn) {
  for (const std::string& bytes :
       {HttpRequest::Upgrade().ToString(), std::string(3'000, '\0'), std::string("\x16\x03\x01")}) {
    TcpSocket socket;
    ASSERT_EQ(socket.Connect(gateway().ws()), "");
    socket.Send(bytes);
    socket.ShutdownWrite();
    std::string answer;
    while (socket.Read(answer) == ReadResult::kData) {
    }
    EXPECT_THAT(answer, ::testing::Not(HasSubstr("HTTP")));
  }
  Join(HttpRequest::Upgrade(), OverTls());
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"tls_handshake\"} 2"));
}

TEST_F(Tls, CutsAClientThatStopsInTheMiddleOfTheHandshake) {
  Options options = TestGateway::QuickOptions();
  options.handshake_timeout_millis = 200;
  StartWith(options);
  TcpSocket silent;
  ASSERT_EQ(silent.Connect(gateway().ws()), "");
  TcpSocket slow;
  ASSERT_EQ(slow.Connect(gateway().ws()), "");
  slow.Send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  TcpSocket done;
  ASSERT_EQ(done.Connect(gateway().ws()), "");
  ASSERT_EQ(done.StartTls(authority_.certificate()), "");
  done.Send("GET / HT");
  std::string nothing;
  EXPECT_EQ(silent.Read(nothing), ReadResult::kEof);
  EXPECT_EQ(slow.Read(nothing), ReadResult::kEof);
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(done, rest), HasStatus(408));
}

TEST_F(Tls, ShowsANewCertificateToNewClientsAndKeepsTheOldOnesSessions) {
  const std::string old = CertificateShown();
  Peer& peer = Join(HttpRequest::Upgrade(), OverTls());
  const std::string fresh = WriteCertificate();
  ASSERT_NE(fresh, old);
  EXPECT_TRUE(EventuallySees([&] { return CertificateShown(); }, fresh));
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("still here"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("still here"));
}

TEST_F(Tls, ReadsTheFilesAtOnceWhenItIsToldTo) {
  const std::string fresh = WriteCertificate();
  gateway().gateway().ReloadFiles();
  EXPECT_EQ(CertificateShown(), fresh);
}

TEST_F(Tls, KeepsTheCertificateWhenTheNewOneIsNoGood) {
  const std::string old = CertificateShown();
  dir_.Write("cert.pem", "not a certificate");
  gateway().gateway().ReloadFiles();
  EXPECT_EQ(CertificateShown(), old);
}

TEST_F(Tls, DoesNotStartWithFilesThatAreNoGood) {
  Options options = TestGateway::QuickOptions();
  options.ws_tls_cert = dir_.path() + "/absent.pem";
  options.ws_tls_key = dir_.path() + "/key.pem";
  const auto started = Gateway::Start(options, {});
  EXPECT_THAT(std::string(started.status().message()),
              ::testing::AllOf(HasSubstr("--ws-tls-cert"), HasSubstr("absent.pem"),
                               HasSubstr("No such file")));
}

TEST_F(Tls, AnswersARequestThatComesWithTheEndOfTheClientsSide) {
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  ASSERT_EQ(socket.StartTls(authority_.certificate()), "");
  socket.Send(HttpRequest::Get("/healthz").ToString());
  socket.ShutdownWrite();
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(socket, rest), HasStatus(200));
}

TEST_F(Tls, DrainsWithACloseFrameToEverybody) {
  Peer& peer = Join(HttpRequest::Upgrade(), OverTls());
  std::thread drain([this] { gateway().gateway().Drain(); });
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(1001));
  drain.join();
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_DRAINED, 1001));
}

}  // namespace
}  // namespace longwire::test
