#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/auth/jwt_keys.h"

namespace longwire {

// What a token has to be like.
struct JwtRules {
  JwtAlgorithm algorithm = JwtAlgorithm::kHs256;
  std::string uid_claim = "sub";  // A member of the claims; "a.b" is that name, not a path.
  std::string audience;           // Has to be among `aud`. Empty: `aud` is not looked at.
  std::string issuer;             // Has to be `iss`. Empty: `iss` is not looked at.
};

struct JwtClaims {
  std::string uid;  // 1 to kUidBytesMax bytes of UTF-8.
  // `exp` and the leeway. Unset = for ever: without `exp`, or when it is later than the year 9999.
  std::optional<int64_t> expires_at_millis;
};

struct JwtRefused {
  // For the client: a word of the catalogue, ": " and an explanation, together at most
  // kCloseReasonBytesMax. Nothing of the token is in it.
  std::string text;
};

// Verifies a signed token in the compact form (RFC 7519, RFC 7515 7.1). Pure; any bytes. Refuses,
// in this order:
//
// TOKEN_MISSING        it is empty
// TOKEN_TOO_BIG        more than kJwtBytesMax
// TOKEN_MALFORMED      not three parts of base64url; header or claims no JSON object, nested too
//                      deeply, or with a member twice; a `kid` that is no string; any `crit`
// TOKEN_ALGORITHM      `alg` is not exactly the one of the rules, whatever else it is
// TOKEN_KEY_UNKNOWN    no key goes by its `kid`
// TOKEN_SIGNATURE      signed with none of the keys, or not signed
// TOKEN_EXPIRED        `exp` and the leeway are over
// TOKEN_NOT_YET_VALID  `nbf` less the leeway is to come
// TOKEN_ISSUER, TOKEN_AUDIENCE
// TOKEN_UID            the uid claim is neither a string of 1 to kUidBytesMax bytes, without a
//                      NUL, nor an integer
//
// What claims say is told only once they are known to be signed. An `exp` or `nbf` that is no
// number is TOKEN_MALFORMED. The time it takes is that of IsSigned for each key that is tried, and
// a few microseconds.
std::variant<JwtClaims, JwtRefused> VerifyJwt(std::string_view token, const JwtKeys& keys,
                                              const JwtRules& rules, int64_t wall_millis);

}  // namespace longwire
