#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/auth/jwt_algorithm.h"
#include "server/auth/public_key.h"
#include "server/auth/secret_bytes.h"

namespace longwire {

struct JwtKey {
  std::optional<std::string> kid;  // The name by which a token's header may ask for it.
  SecretBytes secret;              // For HS256.
  PublicKey public_key;            // For the others.
};

// The keys that tokens of one algorithm are verified with, 1 to kJwtKeysMax. Immutable, so any
// number of threads may use it; wiped when it is dropped.
//
// A file holds one of:
// - A JWK Set or a single JWK (RFC 7517). Keys of a set that are not for the algorithm (by kty,
//   crv, alg or use) are passed over; one that is for it and broken is an error, and so is a
//   private one.
// - For RS256 and ES256, PEM: any number of PUBLIC KEY, RSA PUBLIC KEY and CERTIFICATE. These keys
//   have no kid.
// - For HS256, when it begins with no '{' and holds no PEM: one secret a line. The line end, LF or
//   CRLF, is not part of it; all else is. These keys have no kid. PEM is refused, since a public
//   key that serves as a secret lets everybody sign.
//
// Errors name the file, or what `name` says, and what is wrong with it, but never what is in it:
// "keys.json: key 2 is an RSA key of 1024 bits; RS256 needs 2048".
class JwtKeys {
 public:
  // The keys of all files, each of at most kJwtKeyFileBytesMax. Blocks for as long as reading does.
  static absl::StatusOr<JwtKeys> Load(JwtAlgorithm algorithm,
                                      const std::vector<std::string>& files);
  // The keys of one file's contents. Pure.
  static absl::StatusOr<JwtKeys> Parse(JwtAlgorithm algorithm, std::string_view contents,
                                       std::string_view name);

  JwtAlgorithm algorithm() const { return algorithm_; }
  const std::vector<JwtKey>& keys() const { return keys_; }

  // Which keys a token may be signed with, by the kid of its header. With a kid that is known: only
  // the keys of that kid. With an unknown one: those that have none. Without: all. The pointers
  // hold as long as this.
  std::vector<const JwtKey*> Candidates(const std::optional<std::string>& kid) const;

  // Whether there is an HS256 secret that is shorter than kJwtSecretBytesAdvised, which RFC
  // 7518 3.2 forbids because it can be guessed. It works; the operator should be warned.
  bool has_short_secret() const;

 private:
  JwtKeys(JwtAlgorithm algorithm, std::vector<JwtKey> keys)
      : algorithm_(algorithm), keys_(std::move(keys)) {}

  JwtAlgorithm algorithm_;
  std::vector<JwtKey> keys_;
};

}  // namespace longwire
