// Who a client is and from where it may come: PROXY headers, forwarded headers, origins, and how
// many connections one address may have.
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kProxyV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);

class Clients : public GatewayTest {
 protected:
  static HttpRequest From(const std::string& header, const std::string& value) {
    return HttpRequest::Upgrade().Set(header, value);
  }
  std::string AddressOf(const Peer& peer) { return peer.enter.enter().remote_address(); }
};

class BehindProxyProtocol : public Clients {
 protected:
  void SetUp() override { Start(BehindBalancer()); }
  static Options BehindBalancer() {
    Options options = TestGateway::QuickOptions();
    options.proxy_protocol = true;
    options.handshake_timeout_millis = 1'000;
    return options;
  }
  // What a connection that begins like this comes to.
  ReadResult EndOf(const std::string& bytes) {
    TcpSocket socket;
    EXPECT_EQ(socket.Connect(gateway().ws()), "");
    socket.Send(bytes);
    std::string nothing;
    const ReadResult end = socket.Read(nothing);
    EXPECT_EQ(nothing, "");
    return end;
  }
};

TEST_F(BehindProxyProtocol, KnowsAClientByWhatTheBalancerSays) {
  EXPECT_EQ(AddressOf(Join(HttpRequest::Upgrade(),
                           {.before_request = "PROXY TCP4 203.0.113.7 192.0.2.1 4242 443\r\n"})),
            "203.0.113.7:4242");
  EXPECT_EQ(AddressOf(Join(HttpRequest::Upgrade(),
                           {.before_request = "PROXY TCP6 2001:db8::7 2001:db8::1 4242 443\r\n"})),
            "[2001:db8::7]:4242");
  const std::string v2 = kProxyV2Signature + std::string("\x21\x11\x00\x0c", 4) +
                         std::string("\xcb\x00\x71\x08\xc0\x00\x02\x01\x10\x92\x01\xbb", 12);
  EXPECT_EQ(AddressOf(Join(HttpRequest::Upgrade(), {.before_request = v2})), "203.0.113.8:4242");
}

TEST_F(BehindProxyProtocol, TakesTheConnectionsOwnAddressForTheBalancersOwnChecks) {
  EXPECT_THAT(AddressOf(Join(HttpRequest::Upgrade(), {.before_request = "PROXY UNKNOWN\r\n"})),
              StartsWith("127.0.0.1:"));
  EXPECT_THAT(
      AddressOf(Join(HttpRequest::Upgrade(),
                     {.before_request = kProxyV2Signature + std::string("\x20\x00\x00\x00", 4)})),
      StartsWith("127.0.0.1:"));
}

TEST_F(BehindProxyProtocol, ReadsAHeaderThatComesByteByByteAndWithTheRequest) {
  TcpSocket socket;
  ASSERT_EQ(socket.Connect(gateway().ws()), "");
  socket.SendByteByByte("PROXY TCP4 203.0.113.7 192.0.2.1 4242 443\r\nGET /healthz HT");
  socket.Send("TP/1.1\r\nHost: x\r\n\r\n");
  std::string rest;
  EXPECT_THAT(ReadHttpAnswer(socket, rest), HasStatus(200));
}

TEST_F(BehindProxyProtocol, ShowsNothingToWhoeverComesPastTheBalancer) {
  EXPECT_NE(EndOf(HttpRequest::Upgrade().ToString()), ReadResult::kTimeout);
  EXPECT_NE(EndOf("PROXY TCP4 203.0.113.7 192.0.2.1 4242\r\n"), ReadResult::kTimeout);
  EXPECT_EQ(EndOf("PROXY TCP4 203.0.113.7"), ReadResult::kEof) << "cut after the timeout";
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"proxy_header\"} 2"));
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"handshake_timeout\"} 1"));
}

TEST_F(BehindProxyProtocol, ReadsTheHeaderBeforeTls) {
  const TempDir dir;
  const Authority authority;
  const CertificatePair pair = authority.Issue("localhost");
  Options options = BehindBalancer();
  options.ws_tls_cert = dir.Write("cert.pem", pair.certificate);
  options.ws_tls_key = dir.Write("key.pem", pair.key);
  Start(options);
  EXPECT_EQ(AddressOf(Join(HttpRequest::Upgrade(),
                           {.before_request = "PROXY TCP4 203.0.113.7 192.0.2.1 4242 443\r\n",
                            .tls_authority = authority.certificate()})),
            "203.0.113.7:4242");
}

TEST_F(BehindProxyProtocol, BelievesNoHeaderWhereTheBalancerNamesNobody) {
  Options options = BehindBalancer();
  options.trusted_proxies = {"127.0.0.1"};
  Start(options);
  EXPECT_THAT(AddressOf(Join(From("X-Forwarded-For", "203.0.113.9"),
                             {.before_request = "PROXY UNKNOWN\r\n"})),
              StartsWith("127.0.0.1:"));
  EXPECT_EQ(AddressOf(Join(From("X-Forwarded-For", "203.0.113.9"),
                           {.before_request = "PROXY TCP4 127.0.0.1 192.0.2.1 4242 443\r\n"})),
            "203.0.113.9")
      << "a proxy that is trusted, behind the balancer";
}

TEST_F(BehindProxyProtocol, DoNotHoldADrainUpHoweverManyThereAre) {
  Options options = BehindBalancer();
  options.handshake_timeout_millis = 60'000;
  Start(options);
  std::vector<TcpSocket> idle(20);
  for (TcpSocket& socket : idle) {
    ASSERT_EQ(socket.Connect(gateway().ws()), "");
    socket.Send("PROXY ");
  }
  EXPECT_TRUE(EventuallySees([&] { return MetricsPage(); },
                             HasSubstr("longwire_connections 21")));  // And the one that asks.
  const Deadline deadline(Millis(2'000));
  gateway().gateway().Drain();
  EXPECT_FALSE(deadline.Passed());
}

TEST_F(BehindProxyProtocol, LeavesTheAdminPortToProbes) {
  EXPECT_THAT(Fetch(gateway().admin(), HttpRequest::Get("/healthz")), HasStatus(200));
}

TEST_F(Clients, AreWhatATrustedProxySays) {
  Options options = TestGateway::QuickOptions();
  options.trusted_proxies = {"127.0.0.0/8", "192.0.2.10"};
  Start(options);
  EXPECT_EQ(AddressOf(Join(From("X-Forwarded-For", "203.0.113.7"))), "203.0.113.7");
  EXPECT_EQ(AddressOf(Join(From("X-Forwarded-For", "198.51.100.1, 203.0.113.7, 192.0.2.10"))),
            "203.0.113.7")
      << "whatever the client itself has put in front of it";
  EXPECT_EQ(AddressOf(Join(From("Forwarded", "for=\"[2001:db8::7]:4242\";proto=https"))),
            "[2001:db8::7]:4242");
  EXPECT_THAT(AddressOf(Join(From("X-Forwarded-For", "unknown"))), StartsWith("127.0.0.1:"));
}

TEST_F(Clients, MayNotBeTwoAtOnce) {
  Options options = TestGateway::QuickOptions();
  options.trusted_proxies = {"127.0.0.1"};
  Start(options);
  WsClient client;
  const HttpAnswer answer = client.Open(gateway().ws(), HttpRequest::Upgrade()
                                                            .Set("Forwarded", "for=203.0.113.8")
                                                            .Set("X-Forwarded-For", "203.0.113.7"));
  EXPECT_THAT(answer, HasStatus(400));
}

TEST_F(Clients, AreNotWhatTheySayThemselves) {
  Start();
  EXPECT_THAT(AddressOf(Join(From("X-Forwarded-For", "203.0.113.7"))), StartsWith("127.0.0.1:"));
  EXPECT_THAT(AddressOf(Join(From("Forwarded", "for=203.0.113.7"))), StartsWith("127.0.0.1:"));
}

TEST_F(Clients, MayComeFromPagesOfTheAllowedOriginsOnly) {
  Options options = TestGateway::QuickOptions();
  options.allowed_origins = {"https://app.example.com", "https://*.example.org"};
  Start(options);
  Join(From("Origin", "https://app.example.com"));
  Join(From("Origin", "https://a.b.example.org"));
  Join();  // No browser: it has no page and no cookies that another could abuse.
  for (const char* wrong : {"https://evil.com", "http://app.example.com", "https://example.org",
                            "https://app.example.com.evil.com", "null", ""}) {
    Open(403, From("Origin", wrong));
  }
  Open(403, HttpRequest::Upgrade()
                .Add("Origin", "https://app.example.com")
                .Add("Origin", "https://app.example.com"));
  EXPECT_THAT(MetricsPage(), HasSubstr("longwire_admission_refusals_total{reason=\"origin\"} 7"));
}

class PerAddress : public Clients {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.sessions_per_ip_max = 2;
    Start(options);
  }
  void StartBehindProxy() {
    Options options = TestGateway::QuickOptions();
    options.sessions_per_ip_max = 2;
    options.trusted_proxies = {"127.0.0.1"};
    Start(options);
  }
};

TEST_F(PerAddress, AnswersTheOneTooManyWith429AndLetsInAgainWhenOneHasGone) {
  Peer& first = Join();
  Join();
  WsClient third;
  const HttpAnswer answer = third.Open(gateway().ws());
  EXPECT_THAT(answer, HasStatus(429));
  EXPECT_NE(answer.Header("retry-after"), "");
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"sessions_per_ip_max\"} 1"));
  third.Close();
  first.ws.Abort();
  events().Next(v1::EVENT_TYPE_LEAVE);
  EXPECT_TRUE(EventuallySees(
      [&] {
        WsClient again;
        return again.Open(gateway().ws()).status;
      },
      101));
}

TEST_F(PerAddress, CutsOffAnAddressThatOnlyOpensConnections) {
  std::vector<TcpSocket> held(20);
  for (TcpSocket& socket : held) ASSERT_EQ(socket.Connect(gateway().ws()), "");
  const auto count_cut = [&] {
    int cut = 0;
    for (TcpSocket& socket : held) {
      std::string nothing;
      if (socket.Read(nothing, Millis(1)) != ReadResult::kTimeout) ++cut;
    }
    return cut;
  };
  EXPECT_TRUE(EventuallySees(count_cut, 16));
}

TEST_F(PerAddress, CountsTheClientsBehindAProxyEachByItself) {
  StartBehindProxy();
  for (int i = 0; i < 2; ++i) {
    Join(From("X-Forwarded-For", "203.0.113.7"));
    Join(From("X-Forwarded-For", "203.0.113.8"));
    Join(From("X-Forwarded-For", "2001:db8:0:1::" + std::to_string(i)));
  }
  Open(429, From("X-Forwarded-For", "203.0.113.7"));
  Open(429, From("X-Forwarded-For", "203.0.113.8:99"));
  Open(429, From("X-Forwarded-For", "2001:db8:0:1:ffff::"));
  Join(From("X-Forwarded-For", "203.0.113.9"));
}

}  // namespace
}  // namespace longwire::test
