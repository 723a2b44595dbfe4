// Authentication by signed tokens: --auth=jwt. What tokens are refused, and with what, is told by
// tests/unit/auth/jwt_test.cc; here is what a client sees of it.
#include <chrono>
#include <string>

#include "tests/support/certificates.h"
#include "tests/support/jwt_maker.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kSecret = "a secret of more than thirty-two bytes";

int64_t SecondsFromNow(int64_t seconds) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds;
}

// Claims of `uid` that end in so many seconds.
std::string ClaimsOf(const std::string& uid, int64_t seconds = 60) {
  return R"({"sub":")" + uid + R"(","exp":)" + std::to_string(SecondsFromNow(seconds)) + "}";
}

class Jwt : public GatewayTest {
 protected:
  Options WithSecret() {
    Options options = TestGateway::QuickOptions();
    options.auth = AuthKind::kJwt;
    options.jwt_algorithm = JwtAlgorithm::kHs256;
    options.jwt_key_files = {dir_.Write("secret", kSecret + "\n")};
    return options;
  }
  static HttpRequest Bearing(const std::string& token) {
    return HttpRequest::Upgrade().Set("Authorization", "Bearer " + token);
  }
  std::string RefusalOf(const std::string& token) {
    WsClient client;
    const HttpAnswer answer = client.Open(gateway().ws(), Bearing(token));
    EXPECT_THAT(answer, HasStatus(401));
    EXPECT_THAT(answer.Header("www-authenticate"), StartsWith("Bearer"));
    EXPECT_THAT(answer.body, Not(HasSubstr(token)));
    return answer.body;
  }

  const TempDir dir_;
  const JwtMaker maker_ = JwtMaker::Hs256(kSecret);
};

TEST_F(Jwt, LetsInTheUserOfATokenFromTheHeaderTheQueryOrACookie) {
  Options options = WithSecret();
  options.jwt_cookie = "session";
  options.allowed_origins = {"https://app.example.com"};
  Start(options);
  EXPECT_EQ(Join(Bearing(maker_.Make(ClaimsOf("alice")))).enter.uid(), "alice");
  EXPECT_EQ(Join(HttpRequest::Upgrade("/?token=" + maker_.Make(ClaimsOf("bob")))).enter.uid(),
            "bob");
  EXPECT_EQ(Join(HttpRequest::Upgrade()
                     .Set("Origin", "https://app.example.com")
                     .Set("Cookie", "a=b; session=" + maker_.Make(ClaimsOf("carol"))))
                .enter.uid(),
            "carol");
}

TEST_F(Jwt, HidesTheTokenFromBackends) {
  Start(WithSecret());
  const std::string token = maker_.Make(ClaimsOf("alice"));
  Peer& peer = Join(HttpRequest::Upgrade("/chat?a=1&token=" + token));
  EXPECT_EQ(peer.enter.uid(), "alice");
  EXPECT_EQ(peer.enter.enter().query(), "a=1");
  EXPECT_THAT(peer.enter.ShortDebugString(), Not(HasSubstr(token)));
  EXPECT_THAT(Join(Bearing(maker_.Make(ClaimsOf("bob")))).enter.ShortDebugString(),
              Not(HasSubstr("Bearer")));
}

TEST_F(Jwt, RefusesEachWithItsOwnReason) {
  Options options = WithSecret();
  options.jwt_audience = "chat";
  Start(options);
  EXPECT_THAT(Fetch(gateway().ws(), HttpRequest::Upgrade()).body, StartsWith("TOKEN_MISSING: "));
  EXPECT_THAT(RefusalOf("nonsense"), StartsWith("TOKEN_MALFORMED: "));
  EXPECT_THAT(RefusalOf(maker_.Make(R"({"alg":"none"})", ClaimsOf("alice"))),
              StartsWith("TOKEN_ALGORITHM: "));
  EXPECT_THAT(RefusalOf(JwtMaker::Hs256("another").Make(ClaimsOf("alice"))),
              StartsWith("TOKEN_SIGNATURE: "));
  EXPECT_THAT(RefusalOf(maker_.Make(ClaimsOf("alice", -60))), StartsWith("TOKEN_EXPIRED: "));
  EXPECT_THAT(RefusalOf(maker_.Make(ClaimsOf("alice"))), StartsWith("TOKEN_AUDIENCE: "));
  EXPECT_THAT(RefusalOf(maker_.Make(R"({"sub":1.5,"aud":"chat"})")), StartsWith("TOKEN_UID: "));
  EXPECT_TRUE(events().SeesNothingNew());
  EXPECT_THAT(MetricsPage(),
              HasSubstr("longwire_admission_refusals_total{reason=\"unauthenticated\"} 7"));
}

TEST_F(Jwt, TakesTheTokenInTheFirstMessage) {
  Options options = WithSecret();
  options.auth_at = AuthAt::kMessage;
  Start(options);
  WsClient client = Open(101);
  client.SendText(maker_.Make(ClaimsOf("alice")));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  WsClient stranger = Open(101);
  stranger.SendText("no token");
  const Received end = stranger.ReceiveEnd();
  EXPECT_THAT(end, IsClose(4401));
  EXPECT_THAT(end.payload, StartsWith("TOKEN_MALFORMED: "));
}

TEST_F(Jwt, TakesItFromTheAuthCommandWhereClientsSpeakCommands) {
  Options options = WithSecret();
  options.auth_at = AuthAt::kMessage;
  options.protocol = ProtocolKind::kCommand;
  Start(options);
  WsClient client = Open(101);
  client.SendText("auth " + maker_.Make(ClaimsOf("alice")));
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ENTER).uid(), "alice");
  WsClient hasty = Open(101);
  hasty.SendText("say hello");
  EXPECT_THAT(hasty.ReceiveEnd(), IsClose(4401));
}

TEST_F(Jwt, ClosesASessionWhoseTokenExpires) {
  Start(WithSecret());
  // What is over is still good for the leeway of five seconds: one second is left of it.
  Peer& peer = Join(Bearing(maker_.Make(ClaimsOf("alice", -4))));
  EXPECT_THAT(peer.ws.ReceiveEnd(), IsClose(4401));
  EXPECT_THAT(NextLeaveOf(peer), IsLeave(v1::LEAVE_REASON_TOKEN_EXPIRED, 4401));
}

TEST_F(Jwt, TakesTokensOfANewKeyWhileItRuns) {
  Start(WithSecret());
  const std::string next = "another secret, of thirty-two bytes or more";
  const std::string token = JwtMaker::Hs256(next).Make(ClaimsOf("alice"));
  EXPECT_THAT(RefusalOf(token), StartsWith("TOKEN_SIGNATURE: "));
  dir_.Write("secret", kSecret + "\n" + next + "\n");
  EXPECT_TRUE(EventuallySees(
      [&] {
        WsClient client;
        return client.Open(gateway().ws(), Bearing(token)).status;
      },
      101));
  WsClient client;
  EXPECT_THAT(client.Open(gateway().ws(), Bearing(maker_.Make(ClaimsOf("bob")))), HasStatus(101))
      << "the old key holds as long as it stands in the file";
}

TEST_F(Jwt, KeepsItsKeysWhenTheFileIsNoGoodAnyMore) {
  Start(WithSecret());
  dir_.Write("secret", "");
  gateway().gateway().ReloadFiles();
  EXPECT_EQ(Join(Bearing(maker_.Make(ClaimsOf("alice")))).enter.uid(), "alice");
}

TEST_F(Jwt, DoesNotStartWithoutAKeyOfItsAlgorithm) {
  Options options = WithSecret();
  options.jwt_algorithm = JwtAlgorithm::kEs256;
  options.jwt_key_files = {dir_.Write("rsa.pem", JwtMaker::Rs256().PublicPem())};
  EXPECT_THAT(std::string(Gateway::Start(options, {}).status().message()),
              ::testing::AllOf(HasSubstr("--jwt-key-file"), HasSubstr("rsa.pem")));
}

TEST_F(Jwt, TakesTokensOfPublicKeys) {
  for (const auto& [algorithm, maker] : {std::pair(JwtAlgorithm::kRs256, JwtMaker::Rs256()),
                                         std::pair(JwtAlgorithm::kEs256, JwtMaker::Es256())}) {
    Options options = WithSecret();
    options.jwt_algorithm = algorithm;
    options.jwt_key_files = {dir_.Write("public.pem", maker.PublicPem())};
    Start(options);
    EXPECT_EQ(Join(Bearing(maker.Make(ClaimsOf("alice")))).enter.uid(), "alice");
    EXPECT_THAT(RefusalOf(JwtMaker::Hs256(maker.PublicPem()).Make(ClaimsOf("alice"))),
                StartsWith("TOKEN_ALGORITHM: "));
  }
}

}  // namespace
}  // namespace longwire::test
