#include "server/auth/public_key.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/auth/base64url.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

constexpr size_t kP256CoordinateBytes = 32;

// What OpenSSL complains about here must not be found later by code that shares the thread.
class ErrorsForgotten {
 public:
  ErrorsForgotten() { ERR_set_mark(); }
  ~ErrorsForgotten() { ERR_pop_to_mark(); }
};

// What keeps the key from being used with the algorithm; empty when nothing does.
std::string WhatIsWrong(JwtAlgorithm algorithm, EVP_PKEY* key) {
  if (algorithm == JwtAlgorithm::kRs256) {
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return "is no RSA key, which RS256 needs";
    if (const int bits = EVP_PKEY_get_bits(key); bits < kJwtRsaBitsMin) {
      return fmt::format("is an RSA key of {} bits; RS256 needs {}", bits, kJwtRsaBitsMin);
    }
  } else {
    char group[32];
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1 ||
        std::string_view(group) != SN_X9_62_prime256v1) {
      return "is no key on P-256, which ES256 needs";
    }
  }
  const KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  // Among others an exponent of 1, for which everything is a signature.
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) {
    return "is not a sound public key";
  }
  return {};
}

absl::StatusOr<PublicKey> Checked(JwtAlgorithm algorithm, Key key) {
  if (std::string wrong = WhatIsWrong(algorithm, key.get()); !wrong.empty()) {
    return absl::InvalidArgumentError(std::move(wrong));
  }
  return PublicKey(std::move(key));
}

Key KeyOfBlock(std::string_view block, const unsigned char* data, long length) {
  const unsigned char* end = data;
  Key key;
  if (block == PEM_STRING_PUBLIC) {
    key.reset(d2i_PUBKEY(nullptr, &end, length));
  } else if (block == PEM_STRING_RSA_PUBLIC) {
    key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &end, length));
  } else {
    const Certificate certificate(d2i_X509(nullptr, &end, length));
    if (certificate != nullptr) key.reset(X509_get_pubkey(certificate.get()));
  }
  if (end != data + length) key.reset();
  return key;
}

absl::StatusOr<PublicKey> ReadBlock(JwtAlgorithm algorithm, std::string_view block,
                                    const unsigned char* data, long length) {
  if (block.ends_with("PRIVATE KEY")) {
    return absl::InvalidArgumentError(
        "is a private key, which only who issues tokens should have: give the public key");
  }
  if (block != PEM_STRING_PUBLIC && block != PEM_STRING_RSA_PUBLIC && block != PEM_STRING_X509) {
    return absl::InvalidArgumentError(
        "is neither a PUBLIC KEY, an RSA PUBLIC KEY nor a CERTIFICATE");
  }
  Key key = KeyOfBlock(block, data, length);
  if (key == nullptr) return absl::InvalidArgumentError("cannot be read as what it says it is");
  return Checked(algorithm, std::move(key));
}

// The bytes of a member that is base64url; nothing when it is not there or is something else.
std::optional<SecretBytes> BytesOf(const boost::json::object& jwk, std::string_view member) {
  const boost::json::value* value = jwk.if_contains(member);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  auto bytes = DecodeBase64Url(value->get_string());
  if (bytes && bytes->empty()) return std::nullopt;
  return bytes;
}

absl::StatusOr<PublicKey> Make(JwtAlgorithm algorithm, const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return absl::InvalidArgumentError("is not a sound public key");
  }
  return Checked(algorithm, Key(made));
}

absl::StatusOr<PublicKey> RsaOfJwk(const boost::json::object& jwk) {
  const auto modulus = BytesOf(jwk, "n");
  const auto exponent = BytesOf(jwk, "e");
  if (!modulus || !exponent) {
    return absl::InvalidArgumentError("has no n and e in base64url (RFC 7518 6.3.1)");
  }
  const BigNumber n(BN_bin2bn(modulus->data(), static_cast<int>(modulus->size()), nullptr));
  const BigNumber e(BN_bin2bn(exponent->data(), static_cast<int>(exponent->size()), nullptr));
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return absl::InvalidArgumentError("is not a sound public key");
  }
  return Make(JwtAlgorithm::kRs256, "RSA", builder.get());
}

absl::StatusOr<PublicKey> EcOfJwk(const boost::json::object& jwk) {
  const auto x = BytesOf(jwk, "x");
  const auto y = BytesOf(jwk, "y");
  if (!x || !y || x->size() != kP256CoordinateBytes || y->size() != kP256CoordinateBytes) {
    return absl::InvalidArgumentError(
        "has no x and y of 32 bytes each in base64url (RFC 7518 6.2.1)");
  }
  SecretBytes point{POINT_CONVERSION_UNCOMPRESSED};
  point.insert(point.end(), x->begin(), x->end());
  point.insert(point.end(), y->begin(), y->end());
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      SN_X9_62_prime256v1, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return absl::InvalidArgumentError("is not a sound public key");
  }
  return Make(JwtAlgorithm::kEs256, "EC", builder.get());
}

}  // namespace

absl::StatusOr<std::vector<PublicKey>> PublicKeysOfPem(JwtAlgorithm algorithm,
                                                       std::string_view text) {
  const ErrorsForgotten errors_forgotten;
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<PublicKey> keys;
  while (in != nullptr) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    if (PEM_read_bio(in.get(), &name, &header, &data, &length) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) break;
      return absl::InvalidArgumentError(
          fmt::format("block {} is not whole, or not base64", keys.size() + 1));
    }
    auto key = ReadBlock(algorithm, name, data, length);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<size_t>(length));
    if (!key.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("block {} {}", keys.size() + 1, std::string(key.status().message())));
    }
    keys.push_back(*std::move(key));
    if (keys.size() > kJwtKeysMax) break;
  }
  if (keys.empty()) return absl::InvalidArgumentError("has no whole block of PEM");
  return keys;
}

absl::StatusOr<PublicKey> PublicKeyOfJwk(JwtAlgorithm algorithm, const boost::json::object& jwk) {
  const ErrorsForgotten errors_forgotten;
  if (jwk.contains("d")) {
    return absl::InvalidArgumentError(
        "is a private key (it has a d), which only who issues tokens should have: give the public "
        "key");
  }
  return algorithm == JwtAlgorithm::kRs256 ? RsaOfJwk(jwk) : EcOfJwk(jwk);
}

}  // namespace longwire
