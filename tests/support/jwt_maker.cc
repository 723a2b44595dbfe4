#include "tests/support/jwt_maker.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

namespace longwire::test {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Padded(const BIGNUM* number, int bytes) {
  std::vector<unsigned char> out(static_cast<size_t>(bytes));
  BN_bn2binpad(number, out.data(), bytes);
  return {out.begin(), out.end()};
}

// A number of the key; for the coordinates of P-256, of 32 bytes.
std::string KeyNumber(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) std::abort();
  std::string out = Padded(number, bytes == 0 ? BN_num_bytes(number) : bytes);
  BN_free(number);
  return out;
}

std::string Written(const std::function<void(BIO*)>& write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  write(bio);
  char* text = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio, &text));
  std::string out(text, length);
  BIO_free(bio);
  return out;
}

}  // namespace

std::string Base64Url(std::string_view bytes) {
  std::string out(4 * (bytes.size() / 3 + 1) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), Bytes(bytes),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  out.resize(out.find_last_not_of('=') + 1);
  return out;
}

JwtMaker::JwtMaker(std::string algorithm, std::string secret, EVP_PKEY* key)
    : algorithm_(std::move(algorithm)), secret_(std::move(secret)), key_(key, EVP_PKEY_free) {}

JwtMaker JwtMaker::Hs256(std::string secret) {
  return {"HS256", std::move(secret), nullptr};
}

JwtMaker JwtMaker::Rs256(int bits) {
  return {"RS256", "", EVP_RSA_gen(static_cast<unsigned int>(bits))};
}

JwtMaker JwtMaker::Es256(std::string_view curve) {
  return {"ES256", "", EVP_EC_gen(std::string(curve).c_str())};
}

std::string JwtMaker::Make(std::string_view header, std::string_view claims) const {
  const std::string signed_part = Base64Url(header) + "." + Base64Url(claims);
  return signed_part + "." + Base64Url(Sign(signed_part));
}

std::string JwtMaker::Make(std::string_view claims) const {
  return Make(R"({"alg":")" + algorithm_ + R"(","typ":"JWT"})", claims);
}

std::string JwtMaker::SignInDer(std::string_view signed_part) const {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  size_t length = 0;
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get());
  EVP_DigestSign(context, nullptr, &length, Bytes(signed_part), signed_part.size());
  std::string signature(length, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                 Bytes(signed_part), signed_part.size());
  signature.resize(length);
  EVP_MD_CTX_free(context);
  return signature;
}

std::string JwtMaker::Sign(std::string_view signed_part) const {
  if (key_ == nullptr) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), Bytes(signed_part),
         signed_part.size(), digest, &length);
    return {digest, digest + length};
  }
  const std::string signature = SignInDer(signed_part);
  if (algorithm_ != "ES256") return signature;
  const unsigned char* data = Bytes(signature);
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(signature.size()));
  const int bytes = (EVP_PKEY_get_bits(key_.get()) + 7) / 8;
  std::string raw = Padded(ECDSA_SIG_get0_r(pair), bytes) + Padded(ECDSA_SIG_get0_s(pair), bytes);
  ECDSA_SIG_free(pair);
  return raw;
}

std::string JwtMaker::PublicPem() const {
  return Written([this](BIO* bio) { PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string JwtMaker::Pkcs1Pem() const {
  unsigned char* data = nullptr;
  const int length = i2d_PublicKey(key_.get(), &data);
  std::string pem =
      Written([&](BIO* bio) { PEM_write_bio(bio, PEM_STRING_RSA_PUBLIC, "", data, length); });
  OPENSSL_free(data);
  return pem;
}

std::string JwtMaker::PrivatePem() const {
  return Written([this](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string JwtMaker::CertificatePem() const {
  X509* const certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_set_pubkey(certificate, key_.get());
  X509_sign(certificate, key_.get(), EVP_sha256());
  std::string pem = Written([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  X509_free(certificate);
  return pem;
}

std::string JwtMaker::Jwk(std::string_view members) const {
  const std::string begin = "{" + std::string(members);
  if (key_ == nullptr) return begin + R"("kty":"oct","k":")" + Base64Url(secret_) + "\"}";
  if (algorithm_ == "RS256") {
    return begin + R"("kty":"RSA","n":")" + Base64Url(KeyNumber(key(), OSSL_PKEY_PARAM_RSA_N)) +
           R"(","e":")" + Base64Url(KeyNumber(key(), OSSL_PKEY_PARAM_RSA_E)) + "\"}";
  }
  return begin + R"("kty":"EC","crv":"P-256","x":")" +
         Base64Url(KeyNumber(key(), OSSL_PKEY_PARAM_EC_PUB_X, 32)) + R"(","y":")" +
         Base64Url(KeyNumber(key(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + "\"}";
}

}  // namespace longwire::test
