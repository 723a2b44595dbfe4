#include "server/auth/jwt_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "server/auth/base64url.h"
#include "server/auth/json_object.h"
#include "server/auth/public_key.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

using Json = boost::json::value;

// Where the JSON of a key file is kept, which may hold secrets.
class CleansingResource final : public boost::json::memory_resource {
 private:
  void* do_allocate(size_t bytes, size_t) override { return ::operator new(bytes); }
  void do_deallocate(void* memory, size_t bytes, size_t) override {
    OPENSSL_cleanse(memory, bytes);
    ::operator delete(memory);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

absl::Status Wrong(std::string_view name, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", name, what));
}

bool HoldsPem(std::string_view text) {
  return text.find("-----BEGIN ") != std::string_view::npos;
}

// Whether the member is missing or has this value.
bool IsOrMissing(const boost::json::object& jwk, std::string_view member, std::string_view value) {
  const Json* found = jwk.if_contains(member);
  return found == nullptr || (found->is_string() && found->get_string() == value);
}

bool Is(const boost::json::object& jwk, std::string_view member, std::string_view value) {
  return jwk.contains(member) && IsOrMissing(jwk, member, value);
}

bool IsFor(JwtAlgorithm algorithm, const boost::json::object& jwk) {
  if (!IsOrMissing(jwk, "use", "sig")) return false;
  if (!IsOrMissing(jwk, "alg", JwtAlgorithmName(algorithm))) return false;
  switch (algorithm) {
    case JwtAlgorithm::kHs256:
      return Is(jwk, "kty", "oct");
    case JwtAlgorithm::kRs256:
      return Is(jwk, "kty", "RSA");
    case JwtAlgorithm::kEs256:
      break;
  }
  return Is(jwk, "kty", "EC") && Is(jwk, "crv", "P-256");
}

absl::StatusOr<SecretBytes> SecretOfJwk(const boost::json::object& jwk) {
  const Json* secret = jwk.if_contains("k");
  auto bytes = secret != nullptr && secret->is_string() ? DecodeBase64Url(secret->get_string())
                                                        : std::nullopt;
  if (!bytes) return absl::InvalidArgumentError("has no k in base64url (RFC 7518 6.4.1)");
  if (bytes->empty()) return absl::InvalidArgumentError("is an empty secret");
  return *std::move(bytes);
}

absl::StatusOr<JwtKey> ReadJwk(JwtAlgorithm algorithm, const boost::json::object& jwk) {
  JwtKey key;
  if (const Json* kid = jwk.if_contains("kid")) {
    if (!kid->is_string()) return absl::InvalidArgumentError("has a kid that is not a string");
    key.kid = std::string(kid->get_string());
  }
  if (algorithm == JwtAlgorithm::kHs256) {
    auto secret = SecretOfJwk(jwk);
    if (!secret.ok()) return secret.status();
    key.secret = *std::move(secret);
  } else {
    auto public_key = PublicKeyOfJwk(algorithm, jwk);
    if (!public_key.ok()) return public_key.status();
    key.public_key = *std::move(public_key);
  }
  return key;
}

absl::StatusOr<std::vector<JwtKey>> ReadSet(JwtAlgorithm algorithm, const Json& set) {
  if (!set.is_array()) return absl::InvalidArgumentError("\"keys\" is not an array");
  std::vector<JwtKey> keys;
  size_t position = 0;
  for (const Json& jwk : set.get_array()) {
    ++position;
    if (!jwk.is_object()) {
      return absl::InvalidArgumentError(fmt::format("key {} is not an object", position));
    }
    if (!IsFor(algorithm, jwk.get_object())) continue;
    auto key = ReadJwk(algorithm, jwk.get_object());
    if (!key.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("key {} {}", position, std::string(key.status().message())));
    }
    keys.push_back(*std::move(key));
    if (keys.size() > kJwtKeysMax) break;
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("none of the {} keys is for {}", position, JwtAlgorithmName(algorithm)));
  }
  return keys;
}

absl::StatusOr<std::vector<JwtKey>> ReadJson(JwtAlgorithm algorithm, std::string_view text) {
  CleansingResource storage;
  const auto object = ParseJsonObject(text, &storage);
  if (!object.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("it begins with '{{' and {}", std::string(object.status().message())));
  }
  if (const Json* set = object->if_contains("keys")) return ReadSet(algorithm, *set);
  if (!IsFor(algorithm, *object)) {
    return absl::InvalidArgumentError(
        fmt::format("it is neither a JWK Set nor a JWK for {}", JwtAlgorithmName(algorithm)));
  }
  auto key = ReadJwk(algorithm, *object);
  if (!key.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("the key {}", std::string(key.status().message())));
  }
  std::vector<JwtKey> keys;
  keys.push_back(*std::move(key));
  return keys;
}

absl::StatusOr<std::vector<JwtKey>> ReadPem(JwtAlgorithm algorithm, std::string_view text) {
  if (algorithm == JwtAlgorithm::kHs256) {
    return absl::InvalidArgumentError(
        "it holds PEM, and HS256 needs secrets: with a public key as the secret everybody could "
        "sign");
  }
  auto read = PublicKeysOfPem(algorithm, text);
  if (!read.ok()) return read.status();
  std::vector<JwtKey> keys;
  for (PublicKey& key : *read) keys.push_back({.public_key = std::move(key)});
  return keys;
}

absl::StatusOr<std::vector<JwtKey>> ReadSecrets(std::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("it is empty");
  std::vector<JwtKey> keys;
  while (!text.empty() && keys.size() <= kJwtKeysMax) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("line {} is empty, and so would be the secret", keys.size() + 1));
    }
    keys.push_back({.secret = SecretBytes(line.begin(), line.end())});
  }
  return keys;
}

absl::StatusOr<std::vector<JwtKey>> ReadAny(JwtAlgorithm algorithm, std::string_view contents) {
  if (contents.size() > kJwtKeyFileBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("it is larger than {} KiB", kJwtKeyFileBytesMax / 1024));
  }
  const size_t begin = contents.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && contents[begin] == '{') {
    return ReadJson(algorithm, contents);
  }
  if (HoldsPem(contents)) return ReadPem(algorithm, contents);
  if (algorithm == JwtAlgorithm::kHs256) return ReadSecrets(contents);
  return absl::InvalidArgumentError("it is neither JSON nor PEM");
}

absl::Status CheckCount(size_t count, std::string_view name) {
  if (count <= kJwtKeysMax) return absl::OkStatus();
  return Wrong(name, fmt::format("there are more than {} keys", kJwtKeysMax));
}

absl::StatusOr<SecretBytes> ReadFile(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Wrong(file, fmt::format("it cannot be opened: {}", std::strerror(errno)));
  SecretBytes contents(kJwtKeyFileBytesMax + 1);
  in.read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
  if (in.bad()) return Wrong(file, fmt::format("it cannot be read: {}", std::strerror(errno)));
  contents.resize(static_cast<size_t>(in.gcount()));
  return contents;
}

}  // namespace

absl::StatusOr<JwtKeys> JwtKeys::Parse(JwtAlgorithm algorithm, std::string_view contents,
                                       std::string_view name) {
  auto keys = ReadAny(algorithm, contents);
  if (!keys.ok()) return Wrong(name, std::string(keys.status().message()));
  if (auto status = CheckCount(keys->size(), name); !status.ok()) return status;
  return JwtKeys(algorithm, *std::move(keys));
}

absl::StatusOr<JwtKeys> JwtKeys::Load(JwtAlgorithm algorithm,
                                      const std::vector<std::string>& files) {
  if (files.empty()) return absl::InvalidArgumentError("no file with keys is named");
  std::vector<JwtKey> all;
  for (const std::string& file : files) {
    const auto contents = ReadFile(file);
    if (!contents.ok()) return contents.status();
    auto keys = Parse(algorithm, AsText(*contents), file);
    if (!keys.ok()) return keys.status();
    std::move(keys->keys_.begin(), keys->keys_.end(), std::back_inserter(all));
    if (auto status = CheckCount(all.size(), file); !status.ok()) return status;
  }
  return JwtKeys(algorithm, std::move(all));
}

std::vector<const JwtKey*> JwtKeys::Candidates(const std::optional<std::string>& kid) const {
  const bool is_known = kid && std::any_of(keys_.begin(), keys_.end(),
                                           [&](const JwtKey& key) { return key.kid == kid; });
  std::vector<const JwtKey*> candidates;
  for (const JwtKey& key : keys_) {
    if (!kid || (is_known ? key.kid == kid : !key.kid)) candidates.push_back(&key);
  }
  return candidates;
}

bool JwtKeys::has_short_secret() const {
  return algorithm_ == JwtAlgorithm::kHs256 &&
         std::any_of(keys_.begin(), keys_.end(),
                     [](const JwtKey& key) { return key.secret.size() < kJwtSecretBytesAdvised; });
}

}  // namespace longwire
