#pragma once

#include <span>
#include <string_view>

#include "server/auth/jwt_keys.h"

namespace longwire {

// Whether `signature` is that of `text` with this key (RFC 7515 5.2, RFC 7518 3.2 to 3.4). An ES256
// signature is r and s of 32 bytes each. Pure; any bytes. Takes some 2 us for HS256, 30 us for
// RS256 and 100 us for ES256.
bool IsSigned(JwtAlgorithm algorithm, const JwtKey& key, std::string_view text,
              std::span<const unsigned char> signature);

}  // namespace longwire
