// Fuzzes everything that --auth=jwt reads: what clients show as a token, and files with keys.
//
// An input's first byte, modulo 5, says what the rest is:
// 0: a token. 1: the payload of a token, or behind a line end its header; the target signs it
// properly, so that what is done with claims is reached. 2: a query, an Authorization and a cookie
// header, with line ends between them. 3: a message. 4: a file with keys, for every algorithm.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "server/auth/jwt.h"
#include "server/auth/jwt_keys.h"
#include "server/auth/jwt_source.h"
#include "server/base/limits.h"
#include "server/base/utf8.h"
#include "tests/support/jwt_maker.h"

namespace {

using longwire::JwtAlgorithm;
using longwire::JwtKeys;
using longwire::JwtRefused;

constexpr int64_t kNowMillis = 1'800'000'000'000;
constexpr char kSecret[] = "a secret of thirty-two bytes, yes";

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void RequireGoodText(const JwtRefused& refused) {
  Require(refused.text.starts_with("TOKEN_"), "a refusal begins with a word of the catalogue");
  Require(refused.text.size() <= longwire::kCloseReasonBytesMax, "a refusal is a close reason");
  Require(longwire::IsValidUtf8(refused.text), "a refusal is UTF-8");
}

// Whether the token is taken.
bool Verify(std::string_view token, const longwire::JwtRules& rules = {}) {
  static const JwtKeys keys = *JwtKeys::Parse(JwtAlgorithm::kHs256, kSecret, "the secret");
  const auto result = longwire::VerifyJwt(token, keys, rules, kNowMillis);
  if (const auto* refused = std::get_if<JwtRefused>(&result)) {
    RequireGoodText(*refused);
    return false;
  }
  const auto& claims = std::get<longwire::JwtClaims>(result);
  Require(!claims.uid.empty(), "a uid is not empty");
  Require(claims.uid.size() <= longwire::kUidBytesMax, "a uid has at most 128 bytes");
  Require(longwire::IsValidUtf8(claims.uid), "a uid is UTF-8");
  if (claims.expires_at_millis) {
    Require(*claims.expires_at_millis > kNowMillis, "what is taken has not expired");
  }
  return true;
}

std::string_view TakeLine(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void SignAndVerify(std::string_view rest) {
  static const auto maker = longwire::test::JwtMaker::Hs256(kSecret);
  const std::string claims(TakeLine(rest));
  const std::string token = rest.empty() ? maker.Make(claims) : maker.Make(rest, claims);
  const bool is_taken = Verify(token);
  if (Verify(token, {.uid_claim = "id", .audience = "chat", .issuer = "us"})) {
    Require(claims.find("\"") != std::string::npos, "what is taken has members");
  }
  std::string forged = token;
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  Require(!Verify(forged), "another signature is not taken");
  if (is_taken) Require(Verify(token), "a token is taken again");
}

void FindInHandshake(std::string_view rest) {
  longwire::v1::Enter handshake;
  handshake.set_query(std::string(TakeLine(rest)));
  (*handshake.mutable_headers())["authorization"] = std::string(TakeLine(rest));
  (*handshake.mutable_headers())["cookie"] = std::string(TakeLine(rest));
  const auto found = longwire::FindToken(handshake, "session");
  if (const auto* refused = std::get_if<JwtRefused>(&found)) return RequireGoodText(*refused);
  Require(!std::get<std::string>(found).empty(), "a token that was found is not empty");
  Verify(std::get<std::string>(found));
}

void FindInMessage(std::string_view rest) {
  for (const auto type : {longwire::MessageType::kText, longwire::MessageType::kBinary}) {
    for (const bool is_command : {false, true}) {
      longwire::ShowsToken({type, rest}, is_command);
      const auto found = longwire::FindToken({type, rest}, is_command);
      if (const auto* refused = std::get_if<JwtRefused>(&found)) {
        RequireGoodText(*refused);
      } else {
        Verify(std::get<std::string_view>(found));
      }
    }
  }
}

void ReadKeys(std::string_view contents) {
  for (const auto algorithm : {JwtAlgorithm::kHs256, JwtAlgorithm::kRs256, JwtAlgorithm::kEs256}) {
    const auto keys = JwtKeys::Parse(algorithm, contents, "the file");
    if (!keys.ok()) continue;
    Require(!keys->keys().empty(), "there is a key");
    Require(keys->keys().size() <= longwire::kJwtKeysMax, "there are at most 16 keys");
    Require(keys->Candidates(std::nullopt).size() == keys->keys().size(), "all are candidates");
    for (const auto& key : keys->keys()) {
      const bool is_secret = algorithm == JwtAlgorithm::kHs256;
      Require(key.secret.empty() != is_secret, "a secret is for HS256 and is not empty");
      Require((key.public_key == nullptr) == is_secret, "a public key is for the others");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      Verify(rest);
      break;
    case 1:
      SignAndVerify(rest);
      break;
    case 2:
      FindInHandshake(rest);
      break;
    case 3:
      FindInMessage(rest);
      break;
    default:
      ReadKeys(rest);
  }
  return 0;
}
