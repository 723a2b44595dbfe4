#include "server/auth/jwt_signature.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <vector>

namespace longwire {
namespace {

constexpr size_t kSha256Bytes = 32;
constexpr size_t kP256NumberBytes = 32;

const unsigned char* BytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// In a time that says nothing of how much of a wrong signature was right.
bool IsHmac(const SecretBytes& secret, std::string_view text,
            std::span<const unsigned char> signature) {
  std::array<unsigned char, kSha256Bytes> right{};
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), BytesOf(text), text.size(),
           right.data(), nullptr) == nullptr) {
    return false;
  }
  return signature.size() == right.size() &&
         CRYPTO_memcmp(signature.data(), right.data(), right.size()) == 0;
}

bool IsVerified(EVP_PKEY* key, std::string_view text, std::span<const unsigned char> signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), BytesOf(text),
                          text.size()) == 1;
}

// As OpenSSL wants it, in ASN.1; empty for what is no signature.
std::vector<unsigned char> ToDer(std::span<const unsigned char> signature) {
  if (signature.size() != 2 * kP256NumberBytes) return {};
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* const r = BN_bin2bn(signature.data(), kP256NumberBytes, nullptr);
  BIGNUM* const s = BN_bin2bn(signature.data() + kP256NumberBytes, kP256NumberBytes, nullptr);
  if (pair == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int bytes = i2d_ECDSA_SIG(pair.get(), &der);
  if (bytes <= 0) return {};
  std::vector<unsigned char> made(der, der + bytes);
  OPENSSL_free(der);
  return made;
}

}  // namespace

bool IsSigned(JwtAlgorithm algorithm, const JwtKey& key, std::string_view text,
              std::span<const unsigned char> signature) {
  // What OpenSSL finds wrong here must not be found later by code that shares the thread.
  ERR_set_mark();
  bool is_signed = false;
  switch (algorithm) {
    case JwtAlgorithm::kHs256:
      is_signed = IsHmac(key.secret, text, signature);
      break;
    case JwtAlgorithm::kRs256:
      is_signed = IsVerified(key.public_key.get(), text, signature);
      break;
    case JwtAlgorithm::kEs256: {
      const std::vector<unsigned char> der = ToDer(signature);
      is_signed = !der.empty() && IsVerified(key.public_key.get(), text, der);
      break;
    }
  }
  ERR_pop_to_mark();
  return is_signed;
}

}  // namespace longwire
