#include "server/auth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jwt.h>
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/base/limits.h"
#include "server/base/utf8.h"
#include "tests/support/jwt_maker.h"

namespace longwire {
namespace {

using test::Base64Url;
using test::JwtMaker;
using testing::AnyOf;
using testing::StartsWith;

constexpr int64_t kNow = 1'800'000'000'000;
constexpr char kSecret[] = "a secret of thirty-two bytes, yes";
constexpr char kAlice[] = R"({"sub":"alice"})";

const JwtMaker& Hmac() {
  static const JwtMaker maker = JwtMaker::Hs256(kSecret);
  return maker;
}
const JwtMaker& Rsa() {
  static const JwtMaker maker = JwtMaker::Rs256();
  return maker;
}
const JwtMaker& Ec() {
  static const JwtMaker maker = JwtMaker::Es256();
  return maker;
}

JwtKeys KeysOf(JwtAlgorithm algorithm, const std::string& contents) {
  auto keys = JwtKeys::Parse(algorithm, contents, "the-file");
  EXPECT_TRUE(keys.ok()) << keys.status();
  return *std::move(keys);
}
const JwtKeys& HmacKeys() {
  static const JwtKeys keys = KeysOf(JwtAlgorithm::kHs256, kSecret);
  return keys;
}
const JwtKeys& RsaKeys() {
  static const JwtKeys keys = KeysOf(JwtAlgorithm::kRs256, Rsa().PublicPem());
  return keys;
}
const JwtKeys& EcKeys() {
  static const JwtKeys keys = KeysOf(JwtAlgorithm::kEs256, Ec().PublicPem());
  return keys;
}

// The uid after "ok: ", or the text of the refusal.
std::string Verify(std::string_view token, const JwtKeys& keys = HmacKeys(), JwtRules rules = {},
                   int64_t now = kNow) {
  rules.algorithm = keys.algorithm();
  const auto result = VerifyJwt(token, keys, rules, now);
  EXPECT_EQ(ERR_peek_error(), 0u) << "an error of OpenSSL was left behind";
  if (const auto* refused = std::get_if<JwtRefused>(&result)) {
    EXPECT_LE(refused->text.size(), kCloseReasonBytesMax) << refused->text;
    EXPECT_TRUE(IsValidUtf8(refused->text));
    EXPECT_THAT(refused->text, StartsWith("TOKEN_"));
    return refused->text;
  }
  return "ok: " + std::get<JwtClaims>(result).uid;
}

// Of claims that are signed as they should be.
std::string VerifyClaims(std::string_view claims, const JwtRules& rules = {}, int64_t now = kNow) {
  return Verify(Hmac().Make(claims), HmacKeys(), rules, now);
}

TEST(VerifyJwt, TakesTheExampleOfRfc7515_A1) {
  const JwtKeys keys = KeysOf(JwtAlgorithm::kHs256,
                              R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-)"
                              R"(1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
  constexpr char kToken[] =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"
      "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(Verify(kToken, keys, {.uid_claim = "iss"}, 1'300'819'379'999), "ok: joe");
  EXPECT_EQ(Verify(kToken, keys), "TOKEN_EXPIRED: the token has expired");
}

TEST(VerifyJwt, TakesWhatOpenSslSignedWithEachAlgorithm) {
  EXPECT_EQ(Verify(Hmac().Make(kAlice), HmacKeys()), "ok: alice");
  EXPECT_EQ(Verify(Rsa().Make(kAlice), RsaKeys()), "ok: alice");
  EXPECT_EQ(Verify(Ec().Make(kAlice), EcKeys()), "ok: alice");
  EXPECT_EQ(Verify(Ec().Make(kAlice), KeysOf(JwtAlgorithm::kEs256, Ec().Jwk())), "ok: alice");
  EXPECT_EQ(Verify(Rsa().Make(kAlice), KeysOf(JwtAlgorithm::kRs256, Rsa().CertificatePem())),
            "ok: alice");
  const JwtMaker large = JwtMaker::Rs256(4096);
  EXPECT_EQ(Verify(large.Make(kAlice), KeysOf(JwtAlgorithm::kRs256, large.Jwk())), "ok: alice");
  const JwtMaker raw = JwtMaker::Hs256(std::string("a\0\xFF", 3));
  EXPECT_EQ(Verify(raw.Make(kAlice), KeysOf(JwtAlgorithm::kHs256, raw.Jwk())), "ok: alice");
}

TEST(VerifyJwt, TakesNoAlgorithmButItsOwn) {
  constexpr char kText[] = "TOKEN_ALGORITHM: the token is not signed with RS256";
  const std::string claims = Base64Url(kAlice);
  for (const char* name : {R"("none")", R"("None")", R"("NONE")", R"("HS256")", R"("rs256")",
                           R"("RS256 ")", R"("RS384")", R"("RS512")", R"("PS256")", R"("ES256")",
                           R"("")", "null", "7", R"(["RS256"])"}) {
    const std::string header = std::string(R"({"typ":"JWT","alg":)") + name + "}";
    EXPECT_EQ(Verify(Base64Url(header) + "." + claims + ".", RsaKeys()), kText) << name;
    EXPECT_EQ(Verify(Rsa().Make(header, kAlice), RsaKeys()), kText) << name;
  }
  EXPECT_EQ(Verify(Rsa().Make(R"({"typ":"JWT"})", kAlice), RsaKeys()), kText);
  EXPECT_EQ(Verify(Base64Url(R"({"alg":"none"})") + "." + claims + "."),
            "TOKEN_ALGORITHM: the token is not signed with HS256");
}

TEST(VerifyJwt, APublicKeyIsNoSecret) {
  const std::string pem = Rsa().PublicPem();
  for (const std::string& secret : {pem, pem.substr(0, pem.size() - 1)}) {
    const JwtMaker forger = JwtMaker::Hs256(secret);
    EXPECT_THAT(Verify(forger.Make(kAlice), RsaKeys()), StartsWith("TOKEN_ALGORITHM: "));
    EXPECT_THAT(Verify(forger.Make(R"({"alg":"RS256"})", kAlice), RsaKeys()),
                StartsWith("TOKEN_SIGNATURE: "));
  }
  EXPECT_EQ(Verify(Rsa().Make(kAlice), EcKeys()),
            "TOKEN_ALGORITHM: the token is not signed with ES256");
  EXPECT_THAT(Verify(Rsa().Make(R"({"alg":"ES256"})", kAlice), EcKeys()),
              StartsWith("TOKEN_SIGNATURE: "));
}

TEST(VerifyJwt, KeysOfAnotherAlgorithmThanTheRulesVerifyNothing) {
  const auto result =
      VerifyJwt(Ec().Make(kAlice), RsaKeys(), {.algorithm = JwtAlgorithm::kEs256}, kNow);
  EXPECT_THAT(std::get<JwtRefused>(result).text, StartsWith("TOKEN_KEY_UNKNOWN: "));
}

TEST(VerifyJwt, ExpiresWithALeewayOfFiveSeconds) {
  const auto at = [](std::string_view exp, int64_t now) {
    return VerifyClaims(R"({"sub":"alice","exp":)" + std::string(exp) + "}", {}, now);
  };
  constexpr char kExpired[] = "TOKEN_EXPIRED: the token has expired";
  EXPECT_EQ(at("1800000000", kNow), "ok: alice");
  EXPECT_EQ(at("1800000000", kNow + 4'999), "ok: alice");
  EXPECT_EQ(at("1800000000", kNow + 5'000), kExpired);
  EXPECT_EQ(at("1800000000.5", kNow + 5'499), "ok: alice");
  EXPECT_EQ(at("1800000000.5", kNow + 5'500), kExpired);
  EXPECT_EQ(at("18e8", kNow + 4'999), "ok: alice");
  for (const char* past : {"0", "-1", "-0.0", "-9223372036854775808", "-1e300", "1e-300"}) {
    EXPECT_EQ(at(past, kNow), kExpired) << past;
  }
  for (const char* future : {"9223372036854775807", "253402300800", "1e300"}) {
    EXPECT_EQ(at(future, kNow), "ok: alice") << future;
    EXPECT_EQ(at(future, 253'402'300'799'000), "ok: alice") << future;
  }
  // The last is what Boost.JSON takes for no number at all; found by fuzzing.
  for (const char* wrong : {R"("1800000000")", "null", "true", "[1800000000]", "{}", "0e600"}) {
    EXPECT_EQ(at(wrong, kNow), "TOKEN_MALFORMED: its exp is no number") << wrong;
  }
}

TEST(VerifyJwt, TellsUntilWhenTheTokenHolds) {
  const auto expiry = [](const std::string& claims) {
    const auto result = VerifyJwt(Hmac().Make(claims), HmacKeys(), {}, kNow);
    const auto* verified = std::get_if<JwtClaims>(&result);
    EXPECT_NE(verified, nullptr) << claims;
    return verified == nullptr ? -1 : verified->expires_at_millis.value_or(0);
  };
  EXPECT_EQ(expiry(R"({"sub":"a","exp":1800000001})"), kNow + 6'000);
  EXPECT_EQ(expiry(R"({"sub":"a","exp":1800000001.25})"), kNow + 6'250);
  EXPECT_EQ(expiry(R"({"sub":"a","exp":253402300799})"), 253'402'300'804'000);
  for (const char* forever : {"253402300800", "9223372036854775807", "1e300"}) {
    EXPECT_EQ(expiry(R"({"sub":"a","exp":)" + std::string(forever) + "}"), 0) << forever;
  }
  EXPECT_EQ(expiry(R"({"sub":"a"})"), 0);
}

TEST(VerifyJwt, BeginsWithALeewayOfFiveSeconds) {
  const auto at = [](std::string_view nbf, int64_t now) {
    return VerifyClaims(R"({"sub":"alice","nbf":)" + std::string(nbf) + "}", {}, now);
  };
  constexpr char kEarly[] = "TOKEN_NOT_YET_VALID: the token is not valid yet";
  EXPECT_EQ(at("1800000000", kNow), "ok: alice");
  EXPECT_EQ(at("1800000000", kNow - 5'000), "ok: alice");
  EXPECT_EQ(at("1800000000", kNow - 5'001), kEarly);
  EXPECT_EQ(at("1800000000.5", kNow - 4'500), "ok: alice");
  EXPECT_EQ(at("1800000000.5", kNow - 4'501), kEarly);
  for (const char* past : {"0", "-9223372036854775808", "-1e300"}) {
    EXPECT_EQ(at(past, kNow), "ok: alice") << past;
  }
  for (const char* future : {"9223372036854775807", "1e300"}) {
    EXPECT_EQ(at(future, kNow), kEarly) << future;
  }
  EXPECT_EQ(at(R"("1")", kNow), "TOKEN_MALFORMED: its nbf is no number");
}

TEST(VerifyJwt, TheAudienceHasToBeAmongTheTokens) {
  const auto aud = [](std::string_view aud, const std::string& audience = "chat") {
    const std::string member = aud.empty() ? "" : R"("aud":)" + std::string(aud) + ",";
    return VerifyClaims("{" + member + R"("sub":"alice"})", {.audience = audience});
  };
  for (const char* right : {R"("chat")", R"(["chat"])", R"(["x","chat"])"}) {
    EXPECT_EQ(aud(right), "ok: alice") << right;
  }
  for (const char* wrong : {"", R"("Chat")", R"("chat ")", R"("")", R"([])", R"(["x"])", "null",
                            "7", R"({"chat":"chat"})", R"([["chat"]])", R"(["chat",7])"}) {
    EXPECT_EQ(aud(wrong), "TOKEN_AUDIENCE: the token is not meant for this gateway") << wrong;
    EXPECT_EQ(aud(wrong, ""), "ok: alice") << wrong;
  }
}

TEST(VerifyJwt, TheIssuerHasToBeTheTokens) {
  const auto iss = [](std::string_view iss, const std::string& issuer = "us") {
    const std::string member = iss.empty() ? "" : R"("iss":)" + std::string(iss) + ",";
    return VerifyClaims("{" + member + R"("sub":"alice"})", {.issuer = issuer});
  };
  EXPECT_EQ(iss(R"("us")"), "ok: alice");
  for (const char* wrong : {"", R"("them")", R"("US")", R"("us/")", "null", "7", R"(["us"])"}) {
    EXPECT_EQ(iss(wrong), "TOKEN_ISSUER: the token is not from the issuer that is trusted here")
        << wrong;
    EXPECT_EQ(iss(wrong, ""), "ok: alice") << wrong;
  }
}

TEST(VerifyJwt, TheUidIsAStringOrAnInteger) {
  const auto uid = [](const std::string& uid) { return VerifyClaims(R"({"sub":)" + uid + "}"); };
  const std::string longest(kUidBytesMax, 'x');
  const std::string refused = "TOKEN_UID: the claim with the uid is ";
  EXPECT_EQ(uid(R"("x")"), "ok: x");
  EXPECT_EQ(uid("\"" + longest + "\""), "ok: " + longest);
  EXPECT_EQ(uid("\"" + longest + "x\""), refused + "longer than 128 bytes");
  EXPECT_EQ(uid("\"" + longest.substr(1) + "\u00E9\""), refused + "longer than 128 bytes");
  EXPECT_EQ(uid(R"("\u00e9\ud83d\ude00")"), "ok: \u00E9\U0001F600");
  EXPECT_EQ(uid("0"), "ok: 0");
  EXPECT_EQ(uid("-42"), "ok: -42");
  EXPECT_EQ(uid("9007199254740993"), "ok: 9007199254740993");
  EXPECT_EQ(uid("9223372036854775807"), "ok: 9223372036854775807");
  EXPECT_EQ(uid("-9223372036854775808"), "ok: -9223372036854775808");
  EXPECT_EQ(uid("1.0"), refused + "a number, but no integer");
  EXPECT_EQ(uid("1e3"), refused + "a number, but no integer");
  EXPECT_EQ(uid("true"), refused + "a boolean");
  EXPECT_EQ(uid("null"), refused + "null");
  EXPECT_EQ(uid("{}"), refused + "an object");
  EXPECT_EQ(uid(R"(["x"])"), refused + "an array");
  EXPECT_EQ(uid(R"("")"), refused + "empty");
  EXPECT_EQ(VerifyClaims("{}"), refused + "missing");
}

TEST(VerifyJwt, TheUidIsTheClaimThatTheRulesName) {
  constexpr char kClaims[] = R"({"sub":"alice","https://x/uid":"bob","a":{"b":"carol"}})";
  EXPECT_EQ(VerifyClaims(kClaims, {.uid_claim = "https://x/uid"}), "ok: bob");
  EXPECT_EQ(VerifyClaims(kClaims, {.uid_claim = "a.b"}),
            "TOKEN_UID: the claim with the uid is missing");
}

TEST(VerifyJwt, AUidHasNoNul) {
  constexpr char kText[] = "TOKEN_UID: the claim with the uid is a string with a NUL";
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice\u0000bob"})"), kText);
  EXPECT_EQ(VerifyClaims(R"({"sub":"\u0000"})"), kText);
  EXPECT_EQ(VerifyClaims(R"({"sub\u0000":"alice"})"),
            "TOKEN_UID: the claim with the uid is missing");
}

TEST(VerifyJwt, AUidOfMoreThan64BitsIsNoInteger) {
  EXPECT_EQ(VerifyClaims(R"({"sub":18446744073709551615})"), "ok: 18446744073709551615");
  EXPECT_EQ(VerifyClaims(R"({"sub":123456789012345678901234567890})"),
            "TOKEN_UID: the claim with the uid is a number, but no integer");
}

// The other implementation that Debian has, so that ours does not only agree with itself.
TEST(VerifyJwt, TokensThatLibjwtSignsAreGood) {
  const auto sign = [](jwt_alg_t algorithm, const std::string& key) {
    jwt_t* jwt = nullptr;
    EXPECT_EQ(jwt_new(&jwt), 0);
    jwt_add_grant(jwt, "sub", "alice");
    EXPECT_EQ(jwt_set_alg(jwt, algorithm, reinterpret_cast<const unsigned char*>(key.data()),
                          static_cast<int>(key.size())),
              0);
    char* const text = jwt_encode_str(jwt);
    std::string token(text);
    std::free(text);
    jwt_free(jwt);
    return token;
  };
  EXPECT_EQ(Verify(sign(JWT_ALG_HS256, kSecret)), "ok: alice");
  EXPECT_EQ(Verify(sign(JWT_ALG_RS256, Rsa().PrivatePem()), RsaKeys()), "ok: alice");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Verify(sign(JWT_ALG_ES256, Ec().PrivatePem()), EcKeys()), "ok: alice");
  }
}

TEST(VerifyJwt, NothingBehindANulCounts) {
  const std::string nul(1, '\0');
  EXPECT_EQ(VerifyClaims(kAlice + nul), "TOKEN_MALFORMED: its payload is not JSON");
  EXPECT_EQ(VerifyClaims(kAlice + nul + R"({"sub":"bob"})"),
            "TOKEN_MALFORMED: its payload is not JSON");
  EXPECT_EQ(VerifyClaims(R"({"sub":"al)" + nul + R"(ice"})"),
            "TOKEN_MALFORMED: its payload is not JSON");
  EXPECT_EQ(Verify(Hmac().Make(R"({"alg":"HS256"})" + nul, kAlice)),
            "TOKEN_MALFORMED: its header is not JSON");
  const std::string token = Hmac().Make(kAlice);
  EXPECT_EQ(Verify(token + nul), "TOKEN_MALFORMED: it is not base64url");
  EXPECT_EQ(Verify(token + nul + "x"), "TOKEN_MALFORMED: it is not base64url");
}

TEST(VerifyJwt, AMemberThatIsThereTwiceIsRefused) {
  constexpr char kPayload[] = "TOKEN_MALFORMED: its payload has a member twice";
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice","sub":"bob"})"), kPayload);
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice","s\u0075b":"bob"})"), kPayload);
  EXPECT_EQ(VerifyClaims(R"({"x":1,"sub":"alice","x":{}})"), kPayload);
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice","x":[{"sub":"bob"}],"y":{"sub":"c","d":":{"}})"),
            "ok: alice");
  EXPECT_EQ(VerifyClaims(R"({"sub":"a\"b:c","\\":"{"})"), "ok: a\"b:c");
  constexpr char kHeader[] = "TOKEN_MALFORMED: its header has a member twice";
  EXPECT_EQ(Verify(Hmac().Make(R"({"alg":"none","alg":"HS256"})", kAlice)), kHeader);
  EXPECT_EQ(Verify(Hmac().Make(R"({"alg":"HS256","alg":"none"})", kAlice)), kHeader);
}

TEST(VerifyJwt, TheHeaderIsLookedAtClosely) {
  const auto header = [](const std::string& members) {
    return Verify(Hmac().Make(R"({"alg":"HS256")" + members + "}", kAlice));
  };
  EXPECT_EQ(header(""), "ok: alice");
  EXPECT_EQ(header(R"(,"typ":"jwt")"), "ok: alice");
  EXPECT_EQ(header(R"(,"jku":"https://evil.example/","x5c":["AA"],"jwk":{})"), "ok: alice");
  EXPECT_EQ(header(R"(,"typ":"at+jwt")"), "ok: alice") << "an access token of RFC 9068";
  for (const char* crit : {R"(["b64"])", R"(["exp"])", "[]", "null"}) {
    EXPECT_EQ(header(R"(,"exp":1,"b64":false,"crit":)" + std::string(crit)),
              "TOKEN_MALFORMED: its header has crit, and no extension is known");
  }
  for (const char* kid : {"7", "null", "[]"}) {
    EXPECT_EQ(header(R"(,"kid":)" + std::string(kid)),
              "TOKEN_MALFORMED: the kid of its header is no string");
  }
}

TEST(VerifyJwt, ATokenCutAnywhereIsRefused) {
  for (const auto& [token, keys] :
       {std::pair(Hmac().Make(kAlice), &HmacKeys()), std::pair(Rsa().Make(kAlice), &RsaKeys()),
        std::pair(Ec().Make(kAlice), &EcKeys())}) {
    ASSERT_EQ(Verify(token, *keys), "ok: alice");
    EXPECT_THAT(Verify("", *keys), StartsWith("TOKEN_MISSING: "));
    for (size_t length = 1; length < token.size(); ++length) {
      EXPECT_THAT(Verify(token.substr(0, length), *keys),
                  AnyOf(StartsWith("TOKEN_MALFORMED: "), StartsWith("TOKEN_SIGNATURE: ")));
      EXPECT_THAT(Verify(token.substr(length), *keys), StartsWith("TOKEN_"));
    }
    EXPECT_THAT(Verify(token + "A", *keys), StartsWith("TOKEN_"));
    EXPECT_THAT(Verify(token + "AAAA", *keys), StartsWith("TOKEN_SIGNATURE: "));
    EXPECT_THAT(Verify(token + "." + token, *keys), StartsWith("TOKEN_MALFORMED: "));
  }
}

TEST(VerifyJwt, ATokenWithAnyBitFlippedIsRefused) {
  for (const auto& [token, keys] :
       {std::pair(Hmac().Make(kAlice), &HmacKeys()), std::pair(Ec().Make(kAlice), &EcKeys())}) {
    for (size_t bit = 0; bit < token.size() * 8; ++bit) {
      std::string flipped = token;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      EXPECT_THAT(Verify(flipped, *keys), StartsWith("TOKEN_")) << flipped;
    }
  }
}

TEST(VerifyJwt, WhatIsNoTokenIsMalformed) {
  for (const std::string token :
       {".", "..", "...", "a", "a.b", "a.b.c", "....", " ", "eyJ9..", "..eyJ9", "e30..", ".e30.",
        "e30.e30", "W10.W10.", "bnVsbA.bnVsbA.", "e30.W10.AAAA", "null", "Bearer x.y.z"}) {
    EXPECT_THAT(Verify(token), StartsWith("TOKEN_MALFORMED: ")) << token;
  }
  const std::string token = Hmac().Make(kAlice);
  for (const char* extra : {" ", "=", "\n", "+", "/", "%", "\x80", "\xFF"}) {
    EXPECT_EQ(Verify(token + extra), "TOKEN_MALFORMED: it is not base64url");
    EXPECT_EQ(Verify(extra + token), "TOKEN_MALFORMED: it is not base64url");
  }
  EXPECT_EQ(VerifyClaims("\"sub\""), "TOKEN_MALFORMED: its payload is not a JSON object");
  EXPECT_EQ(VerifyClaims("{\"sub\":\"\xFF\"}"), "TOKEN_MALFORMED: its payload is not JSON");
  EXPECT_EQ(VerifyClaims(R"({"sub":"\ud800"})"), "TOKEN_MALFORMED: its payload is not JSON");
}

TEST(VerifyJwt, SizeIsCheckedBeforeAnythingElse) {
  constexpr char kTooBig[] = "TOKEN_TOO_BIG: the token has more than 8192 bytes";
  EXPECT_EQ(Verify(std::string(kJwtBytesMax + 1, '.')), kTooBig);
  EXPECT_EQ(Verify(std::string(10'000'000, 'x')), kTooBig);
  EXPECT_THAT(Verify(std::string(kJwtBytesMax, '.')), StartsWith("TOKEN_MALFORMED: "));
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice","x":")" + std::string(7'000, 'x') + "\"}"), kTooBig);
  EXPECT_EQ(VerifyClaims(R"({"sub":"alice","x":")" + std::string(6'000, 'x') + "\"}"), "ok: alice");
}

TEST(VerifyJwt, DeepNestingIsRefused) {
  const auto nested = [](size_t depth) {
    return R"({"sub":"alice","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(VerifyClaims(nested(31)), "ok: alice");
  EXPECT_EQ(VerifyClaims(nested(32)), "TOKEN_MALFORMED: its payload is nested too deeply");
  EXPECT_EQ(VerifyClaims(nested(2'500)), "TOKEN_MALFORMED: its payload is nested too deeply");
  EXPECT_EQ(VerifyClaims(R"({"x":)" + std::string(5'000, '[')),
            "TOKEN_MALFORMED: its payload is nested too deeply");
  EXPECT_THAT(VerifyClaims(nested(100'000)), StartsWith("TOKEN_TOO_BIG: "));
  EXPECT_EQ(Verify(Hmac().Make(nested(2'500), kAlice)),
            "TOKEN_MALFORMED: its header is nested too deeply");
}

TEST(VerifyJwt, TheKidChoosesTheKey) {
  const JwtMaker other = JwtMaker::Es256();
  const JwtKeys named = KeysOf(JwtAlgorithm::kEs256, R"({"keys":[)" + Ec().Jwk(R"("kid":"old",)") +
                                                         "," + other.Jwk(R"("kid":"new",)") + "]}");
  const auto with = [](const std::string& kid) {
    return R"({"alg":"ES256","kid":")" + kid + "\"}";
  };
  EXPECT_EQ(Verify(Ec().Make(with("old"), kAlice), named), "ok: alice");
  EXPECT_EQ(Verify(other.Make(with("new"), kAlice), named), "ok: alice");
  EXPECT_EQ(Verify(Ec().Make(with("new"), kAlice), named),
            "TOKEN_SIGNATURE: the token is not signed with a key that is trusted here");
  EXPECT_EQ(Verify(Ec().Make(with("third"), kAlice), named),
            "TOKEN_KEY_UNKNOWN: there is no key for the kid of the token");
  // While keys are rotated, tokens that name none are still taken from both.
  EXPECT_EQ(Verify(Ec().Make(kAlice), named), "ok: alice");
  EXPECT_EQ(Verify(other.Make(kAlice), named), "ok: alice");
  EXPECT_THAT(Verify(JwtMaker::Es256().Make(kAlice), named), StartsWith("TOKEN_SIGNATURE: "));
  const JwtKeys unnamed = KeysOf(JwtAlgorithm::kEs256, other.PublicPem() + Ec().PublicPem());
  EXPECT_EQ(Verify(Ec().Make(with("any"), kAlice), unnamed), "ok: alice");
  EXPECT_EQ(Verify(Ec().Make(kAlice), unnamed), "ok: alice");
  const JwtKeys secrets = KeysOf(JwtAlgorithm::kHs256, "new\nold\n");
  EXPECT_EQ(Verify(JwtMaker::Hs256("old").Make(kAlice), secrets), "ok: alice");
  EXPECT_EQ(Verify(JwtMaker::Hs256("new").Make(kAlice), secrets), "ok: alice");
  EXPECT_THAT(Verify(JwtMaker::Hs256("new\nold").Make(kAlice), secrets),
              StartsWith("TOKEN_SIGNATURE: "));
}

TEST(VerifyJwt, AnEs256SignatureIsRAndSAndNothingElse) {
  const std::string signed_part = Base64Url(R"({"alg":"ES256"})") + "." + Base64Url(kAlice);
  const auto with = [&](const std::string& signature) {
    return Verify(signed_part + "." + Base64Url(signature), EcKeys());
  };
  const std::string raw = Ec().Sign(signed_part);
  ASSERT_EQ(with(raw), "ok: alice");
  const std::string zero(32, '\0');
  const std::string order(
      "\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84"
      "\xF3\xB9\xCA\xC2\xFC\x63\x25\x51",
      32);
  for (const std::string& wrong :
       {Ec().SignInDer(signed_part), zero + zero, zero + raw.substr(32), raw.substr(0, 32) + zero,
        order + order, order + raw.substr(32), std::string(64, '\xFF'), raw.substr(0, 63),
        raw.substr(1), raw + "x", raw + raw, zero, std::string(1, 'x'), raw.substr(32) + raw,
        raw.substr(0, 32), raw.substr(32) + raw.substr(0, 32)}) {
    EXPECT_THAT(with(wrong), StartsWith("TOKEN_SIGNATURE: "));
  }
  EXPECT_EQ(with(""), "TOKEN_SIGNATURE: the token is not signed");
}

TEST(VerifyJwt, TellsNothingOfClaimsThatAreNotSigned) {
  const JwtMaker forger = JwtMaker::Hs256("another secret");
  for (const char* claims : {R"({"exp":0})", R"({"exp":"x"})", R"({"nbf":1e300})", R"({"iss":7})",
                             R"({})", R"({"sub":null})"}) {
    EXPECT_EQ(Verify(forger.Make(claims), HmacKeys(), {.audience = "a", .issuer = "b"}),
              "TOKEN_SIGNATURE: the token is not signed with a key that is trusted here");
  }
}

TEST(VerifyJwt, ChecksExpiryThenStartThenIssuerThenAudienceThenUid) {
  const JwtRules rules = {.audience = "chat", .issuer = "us"};
  EXPECT_THAT(VerifyClaims(R"({"exp":0,"nbf":1e300})", rules), StartsWith("TOKEN_EXPIRED: "));
  EXPECT_THAT(VerifyClaims(R"({"nbf":1e300})", rules), StartsWith("TOKEN_NOT_YET_VALID: "));
  EXPECT_THAT(VerifyClaims("{}", rules), StartsWith("TOKEN_ISSUER: "));
  EXPECT_THAT(VerifyClaims(R"({"iss":"us"})", rules), StartsWith("TOKEN_AUDIENCE: "));
  EXPECT_THAT(VerifyClaims(R"({"iss":"us","aud":"chat"})", rules), StartsWith("TOKEN_UID: "));
}

}  // namespace
}  // namespace longwire
