#include "server/auth/jwt.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "server/auth/base64url.h"
#include "server/auth/json_object.h"
#include "server/auth/jwt_signature.h"
#include "server/base/limits.h"
#include "server/base/utf8.h"

namespace longwire {
namespace {

using Json = boost::json::value;
using Object = boost::json::object;

// The first millisecond of the year 10000. Times beyond, either way, are as good as never: nobody
// has to compute with them, and a protobuf Timestamp does not hold them.
constexpr int64_t kFarMillis = 253'402'300'800'000;

JwtRefused Malformed(std::string_view why) {
  return {fmt::format("TOKEN_MALFORMED: {}", why)};
}

// A token taken apart, of which nothing is known to be true.
struct Parts {
  Object header;
  Object claims;
  std::string_view signed_part;
  SecretBytes signature;
};

std::variant<Parts, JwtRefused> TakeApart(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Malformed("it is not three parts with dots between them");
  }
  const auto header = DecodeBase64Url(token.substr(0, first));
  const auto claims = DecodeBase64Url(token.substr(first + 1, second - first - 1));
  auto signature = DecodeBase64Url(token.substr(second + 1));
  if (!header || !claims || !signature) return Malformed("it is not base64url");
  auto header_object = ParseJsonObject(AsText(*header));
  if (!header_object.ok()) {
    return Malformed(fmt::format("its header {}", std::string(header_object.status().message())));
  }
  auto claims_object = ParseJsonObject(AsText(*claims));
  if (!claims_object.ok()) {
    return Malformed(fmt::format("its payload {}", std::string(claims_object.status().message())));
  }
  return Parts{*std::move(header_object), *std::move(claims_object), token.substr(0, second),
               *std::move(signature)};
}

std::optional<JwtRefused> CheckHeader(const Object& header, JwtAlgorithm algorithm) {
  // RFC 7515 4.1.11: what it names has to be understood, and we understand no extensions.
  if (header.contains("crit")) return Malformed("its header has crit, and no extension is known");
  const Json* kid = header.if_contains("kid");
  if (kid != nullptr && !kid->is_string()) return Malformed("the kid of its header is no string");
  // Before any key is touched: a token does not choose what it is verified with (RFC 8725 3.1).
  const Json* name = header.if_contains("alg");
  if (name == nullptr || !name->is_string() || name->get_string() != JwtAlgorithmName(algorithm)) {
    return JwtRefused{fmt::format("TOKEN_ALGORITHM: the token is not signed with {}",
                                  JwtAlgorithmName(algorithm))};
  }
  return std::nullopt;
}

std::optional<JwtRefused> CheckSignature(const Parts& parts, const JwtKeys& keys,
                                         JwtAlgorithm algorithm) {
  std::optional<std::string> kid;
  if (const Json* named = parts.header.if_contains("kid")) kid = std::string(named->get_string());
  const auto candidates = keys.Candidates(kid);
  if (candidates.empty() || keys.algorithm() != algorithm) {
    return JwtRefused{"TOKEN_KEY_UNKNOWN: there is no key for the kid of the token"};
  }
  if (parts.signature.empty()) return JwtRefused{"TOKEN_SIGNATURE: the token is not signed"};
  for (const JwtKey* key : candidates) {
    if (IsSigned(algorithm, *key, parts.signed_part, parts.signature)) return std::nullopt;
  }
  return JwtRefused{"TOKEN_SIGNATURE: the token is not signed with a key that is trusted here"};
}

// In milliseconds since 1970, cut to kFarMillis either way; nothing for what is no number.
std::optional<int64_t> ReadSeconds(const Json& value) {
  constexpr int64_t kFarSeconds = kFarMillis / 1'000;
  if (const int64_t* seconds = value.if_int64()) {
    return std::clamp(*seconds, -kFarSeconds, kFarSeconds) * 1'000;
  }
  if (value.is_uint64()) return kFarMillis;  // Only what no int64 holds is one.
  if (const double* seconds = value.if_double()) {
    // What Boost.JSON makes of 0e600.
    if (std::isnan(*seconds)) return std::nullopt;
    return static_cast<int64_t>(
        std::floor(std::clamp<double>(*seconds, -kFarSeconds, kFarSeconds) * 1'000));
  }
  return std::nullopt;
}

std::optional<JwtRefused> CheckTimes(const Object& claims, int64_t wall_millis,
                                     std::optional<int64_t>& expires_at_millis) {
  if (const Json* expiry = claims.if_contains("exp")) {
    const auto millis = ReadSeconds(*expiry);
    if (!millis) return Malformed("its exp is no number");
    if (wall_millis >= *millis + kJwtLeewayMillis) {
      return JwtRefused{"TOKEN_EXPIRED: the token has expired"};
    }
    if (*millis < kFarMillis) expires_at_millis = *millis + kJwtLeewayMillis;
  }
  if (const Json* start = claims.if_contains("nbf")) {
    const auto millis = ReadSeconds(*start);
    if (!millis) return Malformed("its nbf is no number");
    if (wall_millis < *millis - kJwtLeewayMillis) {
      return JwtRefused{"TOKEN_NOT_YET_VALID: the token is not valid yet"};
    }
  }
  return std::nullopt;
}

std::optional<JwtRefused> CheckIssuer(const Object& claims, const std::string& issuer) {
  if (issuer.empty()) return std::nullopt;
  const Json* said = claims.if_contains("iss");
  if (said != nullptr && said->is_string() && said->get_string() == issuer) return std::nullopt;
  return JwtRefused{"TOKEN_ISSUER: the token is not from the issuer that is trusted here"};
}

std::optional<JwtRefused> CheckAudience(const Object& claims, const std::string& audience) {
  if (audience.empty()) return std::nullopt;
  const Json* said = claims.if_contains("aud");
  const auto is_it = [&](const Json& one) {
    return one.is_string() && one.get_string() == audience;
  };
  if (said != nullptr && is_it(*said)) return std::nullopt;
  if (said != nullptr && said->is_array()) {
    const auto& all = said->get_array();
    const bool are_strings =
        std::all_of(all.begin(), all.end(), [](const Json& one) { return one.is_string(); });
    if (are_strings && std::any_of(all.begin(), all.end(), is_it)) return std::nullopt;
  }
  return JwtRefused{"TOKEN_AUDIENCE: the token is not meant for this gateway"};
}

std::variant<std::string, JwtRefused> ReadUid(const Object& claims, const std::string& name) {
  const auto refuse = [](std::string_view what) {
    return JwtRefused{fmt::format("TOKEN_UID: the claim with the uid is {}", what)};
  };
  const Json* claim = claims.if_contains(name);
  if (claim == nullptr) return refuse("missing");
  switch (claim->kind()) {
    case boost::json::kind::int64:
      return std::to_string(claim->get_int64());
    case boost::json::kind::uint64:
      return std::to_string(claim->get_uint64());
    case boost::json::kind::string:
      break;
    case boost::json::kind::null:
      return refuse("null");
    case boost::json::kind::bool_:
      return refuse("a boolean");
    case boost::json::kind::double_:
      return refuse("a number, but no integer");
    case boost::json::kind::array:
      return refuse("an array");
    case boost::json::kind::object:
      return refuse("an object");
  }
  const std::string_view uid = claim->get_string();
  if (uid.empty()) return refuse("empty");
  if (uid.size() > kUidBytesMax) {
    return refuse(fmt::format("longer than {} bytes", kUidBytesMax));
  }
  if (!IsValidUtf8(uid)) return refuse("not UTF-8");
  // To a backend in C the user would be whoever stands before it.
  if (uid.find('\0') != std::string_view::npos) return refuse("a string with a NUL");
  return std::string(uid);
}

}  // namespace

std::variant<JwtClaims, JwtRefused> VerifyJwt(std::string_view token, const JwtKeys& keys,
                                              const JwtRules& rules, int64_t wall_millis) {
  if (token.size() > kJwtBytesMax) {
    return JwtRefused{fmt::format("TOKEN_TOO_BIG: the token has more than {} bytes", kJwtBytesMax)};
  }
  if (token.empty()) return JwtRefused{"TOKEN_MISSING: the token is empty"};
  auto taken_apart = TakeApart(token);
  if (auto* refused = std::get_if<JwtRefused>(&taken_apart)) return std::move(*refused);
  const Parts& parts = std::get<Parts>(taken_apart);
  if (auto refused = CheckHeader(parts.header, rules.algorithm)) return *std::move(refused);
  if (auto refused = CheckSignature(parts, keys, rules.algorithm)) {
    return *std::move(refused);
  }
  JwtClaims verified;
  if (auto refused = CheckTimes(parts.claims, wall_millis, verified.expires_at_millis)) {
    return *std::move(refused);
  }
  if (auto refused = CheckIssuer(parts.claims, rules.issuer)) return *std::move(refused);
  if (auto refused = CheckAudience(parts.claims, rules.audience)) return *std::move(refused);
  auto uid = ReadUid(parts.claims, rules.uid_claim);
  if (auto* refused = std::get_if<JwtRefused>(&uid)) return std::move(*refused);
  verified.uid = std::move(std::get<std::string>(uid));
  return verified;
}

}  // namespace longwire
