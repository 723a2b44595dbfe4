#pragma once

#include <openssl/evp.h>

#include <boost/json/object.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/auth/jwt_algorithm.h"

namespace longwire {

// A key that signatures are verified with. Immutable; any number of threads may use it.
using PublicKey = std::shared_ptr<EVP_PKEY>;

// Public keys in the forms they come in. Each is checked to be one that `algorithm`, RS256 or
// ES256, can be verified with: RSA of at least kJwtRsaBitsMin bits, or a point on P-256.
//
// Errors say what is wrong, as a sentence's end, and no byte of the key: "is an RSA key of 1024
// bits; RS256 needs 2048".

// From all blocks of a PEM file: PUBLIC KEY, RSA PUBLIC KEY and CERTIFICATE. A private key is
// refused, as is any other block. At least one.
absl::StatusOr<std::vector<PublicKey>> PublicKeysOfPem(JwtAlgorithm algorithm,
                                                       std::string_view text);

// From a JWK whose kty is RSA or EC (RFC 7518 6.2.1 and 6.3.1).
absl::StatusOr<PublicKey> PublicKeyOfJwk(JwtAlgorithm algorithm, const boost::json::object& jwk);

}  // namespace longwire
