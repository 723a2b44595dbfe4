#include "server/auth/jwt_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "server/base/clock.h"
#include "tests/support/jwt_maker.h"

namespace longwire {
namespace {

using test::JwtMaker;
using testing::StartsWith;

constexpr char kSecret[] = "a secret of thirty-two bytes, yes";

std::string TokenOf(std::string_view uid, const std::string& secret = kSecret) {
  return JwtMaker::Hs256(secret).Make(R"({"sub":")" + std::string(uid) + R"("})");
}

class JwtAuthProviderTest : public testing::Test {
 protected:
  JwtAuthProviderTest() { WriteKeys(kSecret); }
  ~JwtAuthProviderTest() override { std::remove(file_.c_str()); }

  void WriteKeys(std::string_view contents) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << contents;
  }

  std::shared_ptr<JwtAuthProvider> Make(JwtAuthOptions options = {}) {
    options.files = {file_};
    auto provider = JwtAuthProvider::Create(std::move(options), clock_);
    EXPECT_TRUE(provider.ok()) << provider.status();
    return *std::move(provider);
  }

  // The uid after "ok: ", or the text of the refusal.
  static std::string Ask(JwtAuthProvider& provider, AuthRequest request) {
    std::string said;
    provider.Authenticate(std::move(request), [&said](AuthResult result) {
      EXPECT_EQ(said, "") << "answered twice";
      if (const auto* refused = std::get_if<AuthRefused>(&result)) {
        EXPECT_EQ(refused->kind, AuthRefused::Kind::kUnauthenticated);
        said = refused->text;
      } else {
        said = "ok: " + std::get<AuthAccepted>(result).uid;
      }
    });
    return said;
  }

  struct Shown {
    std::map<std::string, std::string> headers;
    std::string query;
  };
  std::string Shake(const Shown& shown, const std::string& cookie = "") {
    AuthRequest request;
    request.handshake.mutable_headers()->insert(shown.headers.begin(), shown.headers.end());
    request.handshake.set_query(shown.query);
    return Ask(*Make({.cookie = cookie}), std::move(request));
  }

  std::string Send(Message message, bool is_command) {
    AuthRequest request;
    // A handshake's token counts for nothing when the message is to show one.
    request.handshake.set_query("token=" + TokenOf("handshake"));
    request.message = std::move(message);
    return Ask(*Make({.is_command = is_command}), std::move(request));
  }

  const std::string file_ = testing::TempDir() + "jwt-authenticator-" + std::to_string(::getpid());
  ManualClock clock_;
};

TEST_F(JwtAuthProviderTest, TakesATokenFromAuthorization) {
  const std::string token = TokenOf("alice");
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER ", "Bearer   ", " Bearer\t"}) {
    EXPECT_EQ(Shake({.headers = {{"authorization", scheme + token}}}), "ok: alice") << scheme;
  }
  EXPECT_EQ(Shake({.headers = {{"authorization", "Bearer " + token + " "}}}), "ok: alice");
}

TEST_F(JwtAuthProviderTest, TakesATokenFromTheQuery) {
  const std::string token = TokenOf("alice");
  EXPECT_EQ(Shake({.query = "token=" + token}), "ok: alice");
  EXPECT_EQ(Shake({.query = "a=b&token=" + token + "&c"}), "ok: alice");
  EXPECT_EQ(Shake({.query = "%74oke%6E=" + token}), "ok: alice");
  std::string escaped;
  for (const char c : token) escaped += c == '.' ? "%2E" : c == 'e' ? "%65" : std::string(1, c);
  EXPECT_EQ(Shake({.query = "token=" + escaped}), "ok: alice");
  EXPECT_THAT(Shake({.query = "token=" + token + "%"}), StartsWith("TOKEN_MALFORMED: "));
  EXPECT_THAT(Shake({.query = "token=" + token + "%00"}), StartsWith("TOKEN_MALFORMED: "));
}

TEST_F(JwtAuthProviderTest, TakesATokenFromTheCookieIfOneIsNamed) {
  const std::string token = TokenOf("alice");
  for (const std::string& cookies :
       {"session=" + token, "a=b; session=" + token + "; c=d", "a;session = " + token,
        "session=\"" + token + "\"", "session=" + token + "; session=" + token,
        "sessions=x; xsession=y; Session=z; session=" + token}) {
    EXPECT_EQ(Shake({.headers = {{"cookie", cookies}}}, "session"), "ok: alice") << cookies;
    EXPECT_EQ(Shake({.headers = {{"cookie", cookies}}}),
              "TOKEN_MISSING: there is no token in Authorization or the query");
  }
  for (const char* none :
       {"", ";", "=", "session", "session=", "session=\"\"", "Session=x", "a=b", "a=session=x"}) {
    EXPECT_EQ(Shake({.headers = {{"cookie", none}}}, "session"),
              "TOKEN_MISSING: there is no token in Authorization, the query or the cookie")
        << none;
  }
  EXPECT_THAT(Shake({.headers = {{"cookie", "session=\"" + token}}}, "session"),
              StartsWith("TOKEN_MALFORMED: "));
  // A page of a sibling domain can set the one or the other.
  for (const std::string& two : {"session=other; session=" + token,
                                 "session=" + token + "; session=other"}) {
    EXPECT_EQ(Shake({.headers = {{"cookie", two}}}, "session"),
              "TOKEN_MALFORMED: there is more than one cookie of that name");
  }
}

TEST_F(JwtAuthProviderTest, AuthorizationAndTheQueryComeBeforeTheCookie) {
  const std::pair<const std::string, std::string> cookie = {"cookie",
                                                            "session=" + TokenOf("carol")};
  const std::string alice = TokenOf("alice");
  EXPECT_EQ(Shake({.headers = {cookie, {"authorization", "Bearer " + alice}}}, "session"),
            "ok: alice");
  EXPECT_EQ(Shake({.headers = {cookie}, .query = "token=" + alice}, "session"), "ok: alice");
  EXPECT_EQ(Shake({.headers = {cookie}, .query = "token="}, "session"), "ok: carol");
  EXPECT_EQ(Shake({.headers = {cookie, {"authorization", "Basic eDp5"}}}, "session"), "ok: carol");
}

TEST_F(JwtAuthProviderTest, TwoTokensAreRefusedUnlessTheyAreTheSame) {
  const std::string alice = TokenOf("alice");
  const std::string bob = TokenOf("bob");
  EXPECT_EQ(Shake({.headers = {{"authorization", "Bearer " + alice}}, .query = "token=" + alice}),
            "ok: alice");
  EXPECT_EQ(Shake({.headers = {{"authorization", "Bearer " + alice}}, .query = "token=" + bob}),
            "TOKEN_MALFORMED: Authorization and the query have different tokens");
  for (const std::string& query : {"token=" + alice + "&token=" + alice,
                                   "token=" + alice + "&%74oken=" + bob, "token=&token=" + alice}) {
    EXPECT_EQ(Shake({.query = query}),
              "TOKEN_MALFORMED: there is more than one token in the query");
    EXPECT_EQ(Shake({.headers = {{"authorization", "Bearer " + alice}}, .query = query}),
              "TOKEN_MALFORMED: there is more than one token in the query");
  }
  for (const std::string& header :
       {"Bearer " + alice + ", Bearer " + alice, "Basic eDp5, Bearer " + alice,
        "Bearer " + alice + ", Basic eDp5", "Bearer " + alice + ",", ",Bearer " + alice}) {
    EXPECT_THAT(Shake({.headers = {{"authorization", header}}}), StartsWith("TOKEN_MALFORMED: "));
  }
}

TEST_F(JwtAuthProviderTest, NoTokenIsMissing) {
  constexpr char kText[] = "TOKEN_MISSING: there is no token in Authorization or the query";
  for (const char* query : {"", "&", "token", "token=", "tokens=x", "Token=x", "x=token"}) {
    EXPECT_EQ(Shake({.query = query}), kText) << query;
  }
  for (const char* header : {"", "Basic eDp5", "Digest a=\"b\", c=d", "Bearerx y", "token", ","}) {
    EXPECT_EQ(Shake({.headers = {{"authorization", header}}}), kText) << header;
  }
  for (const char* header : {"Bearer", "Bearer ", "bearer\t"}) {
    EXPECT_EQ(Shake({.headers = {{"authorization", header}}}),
              "TOKEN_MALFORMED: there is no token behind Bearer");
  }
  EXPECT_THAT(Shake({.headers = {{"authorization", "Bearer x y"}}}),
              StartsWith("TOKEN_MALFORMED: "));
}

TEST_F(JwtAuthProviderTest, TakesATokenAsAMessage) {
  const std::string token = TokenOf("alice");
  EXPECT_EQ(Send({.body = token}, false), "ok: alice");
  EXPECT_EQ(Send({.body = " \r\n" + token + "\n"}, false), "ok: alice");
  EXPECT_EQ(Send({.body = ""}, false), "TOKEN_MISSING: there is no token in the message");
  EXPECT_EQ(Send({.body = " \n"}, false), "TOKEN_MISSING: there is no token in the message");
  EXPECT_THAT(Send({.body = "auth " + token}, false), StartsWith("TOKEN_MALFORMED: "));
  EXPECT_THAT(Send({.body = std::string(1'000'000, 'x')}, false), StartsWith("TOKEN_TOO_BIG: "));
  EXPECT_EQ(Send({MessageType::kBinary, token}, false),
            "TOKEN_MALFORMED: a token comes as text, not as binary");
}

TEST_F(JwtAuthProviderTest, TakesATokenAsTheCommandAuth) {
  const std::string token = TokenOf("alice");
  EXPECT_EQ(Send({.body = "auth " + token}, true), "ok: alice");
  EXPECT_EQ(Send({.body = "auth  " + token + " \r\n"}, true), "ok: alice");
  EXPECT_EQ(Send({.body = "auth"}, true), "TOKEN_MISSING: there is no token in the message");
  EXPECT_EQ(Send({.body = "auth "}, true), "TOKEN_MISSING: there is no token in the message");
  for (const std::string& other : {token, "AUTH " + token, "login " + token, std::string()}) {
    EXPECT_EQ(Send({.body = other}, true),
              "TOKEN_MISSING: the first command has to be auth, with a token");
  }
  EXPECT_EQ(Send({MessageType::kBinary, "auth " + token}, true),
            "TOKEN_MALFORMED: a token comes as text, not as binary");
}

TEST_F(JwtAuthProviderTest, KnowsWhichMessageIsToAuthenticateWith) {
  const auto raw = Make();
  EXPECT_TRUE(raw->IsAuthRequest({MessageType::kText, "anything"}));
  EXPECT_FALSE(raw->IsAuthRequest({MessageType::kBinary, "anything"}));
  const auto command = Make({.is_command = true});
  EXPECT_TRUE(command->IsAuthRequest({MessageType::kText, "auth x"}));
  EXPECT_TRUE(command->IsAuthRequest({MessageType::kText, "auth"}));
  EXPECT_TRUE(command->IsAuthRequest({MessageType::kBinary, "auth x"}));
  EXPECT_FALSE(command->IsAuthRequest({MessageType::kText, "say auth"}));
  EXPECT_FALSE(command->IsAuthRequest({MessageType::kText, "authx y"}));
  EXPECT_FALSE(command->IsAuthRequest({MessageType::kText, ""}));
}

TEST_F(JwtAuthProviderTest, GoesByTheWallClockAndTellsTheExpiry) {
  const auto provider = Make();
  AuthRequest request;
  request.message =
      Message{.body = JwtMaker::Hs256(kSecret).Make(R"({"sub":"alice","exp":1800000010})")};
  provider->Authenticate(request, [](AuthResult result) {
    EXPECT_EQ(std::get<AuthAccepted>(result).expires_at_millis, 1'800'000'015'000);
  });
  clock_.StepWall(15'000);
  EXPECT_EQ(Ask(*provider, request), "TOKEN_EXPIRED: the token has expired");
}

TEST_F(JwtAuthProviderTest, PassesTheRulesOn) {
  AuthRequest request;
  request.message = Message{.body = JwtMaker::Hs256(kSecret).Make(R"({"id":7,"aud":"chat"})")};
  EXPECT_EQ(Ask(*Make({.rules = {.uid_claim = "id", .audience = "chat"}}), request), "ok: 7");
  EXPECT_THAT(Ask(*Make({.rules = {.uid_claim = "id", .audience = "mail"}}), request),
              StartsWith("TOKEN_AUDIENCE: "));
}

TEST_F(JwtAuthProviderTest, IsNotMadeWithoutKeys) {
  const auto create = [this](JwtAuthOptions options) {
    return std::string(JwtAuthProvider::Create(std::move(options), clock_).status().message());
  };
  EXPECT_EQ(create({}), "no file with keys is named");
  EXPECT_EQ(create({.files = {file_ + "-none"}}),
            file_ + "-none: it cannot be opened: No such file or directory");
}

TEST_F(JwtAuthProviderTest, ReloadsItsKeysAndKeepsTheOldOnesWhenTheNewAreWrong) {
  const auto provider = Make();
  const auto ask = [&](const std::string& secret) {
    AuthRequest request;
    request.message = Message{.body = TokenOf("alice", secret)};
    return Ask(*provider, std::move(request)).substr(0, 5);
  };
  EXPECT_EQ(ask(kSecret), "ok: a");
  EXPECT_FALSE(provider->keys()->has_short_secret());
  WriteKeys("new");
  EXPECT_EQ(ask("new"), "TOKEN");
  EXPECT_TRUE(provider->Reload().ok());
  EXPECT_EQ(ask("new"), "ok: a");
  EXPECT_EQ(ask(kSecret), "TOKEN");
  EXPECT_TRUE(provider->keys()->has_short_secret());
  WriteKeys("");
  EXPECT_EQ(std::string(provider->Reload().message()), file_ + ": it is empty");
  EXPECT_EQ(ask("new"), "ok: a");
  std::remove(file_.c_str());
  EXPECT_FALSE(provider->Reload().ok());
  EXPECT_EQ(ask("new"), "ok: a");
}

TEST_F(JwtAuthProviderTest, MayBeAskedWhileItReloads) {
  const auto provider = Make();
  std::atomic<bool> is_done{false};
  std::thread reloading([&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(provider->Reload().ok());
    is_done = true;
  });
  AuthRequest request;
  request.message = Message{.body = TokenOf("alice")};
  while (!is_done) EXPECT_EQ(Ask(*provider, request), "ok: alice");
  reloading.join();
}

}  // namespace
}  // namespace longwire
