#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace longwire::test {

// RFC 7515 2: without padding.
std::string Base64Url(std::string_view bytes);

// Puts tokens together with OpenSSL alone, right ones and wrong ones: nothing is checked.
class JwtMaker {
 public:
  static JwtMaker Hs256(std::string secret);
  static JwtMaker Rs256(int bits = 2048);  // With a new key.
  static JwtMaker Es256(std::string_view curve = "prime256v1");

  // The token with this header and payload, as they are.
  std::string Make(std::string_view header, std::string_view claims) const;
  // {"alg":...,"typ":"JWT"} is the header.
  std::string Make(std::string_view claims) const;
  // The signature, raw: for ES256 as r and s.
  std::string Sign(std::string_view signed_part) const;
  // For ES256: as ASN.1, which OpenSSL makes and JOSE does not take.
  std::string SignInDer(std::string_view signed_part) const;

  std::string PublicPem() const;   // PUBLIC KEY
  std::string Pkcs1Pem() const;    // RSA PUBLIC KEY
  std::string PrivatePem() const;  // PRIVATE KEY
  std::string CertificatePem() const;
  // {"kty":...}, with `members` before what makes the key: R"("kid":"a",)". Empty or with a comma
  // at its end.
  std::string Jwk(std::string_view members = "") const;

  EVP_PKEY* key() const { return key_.get(); }

 private:
  JwtMaker(std::string algorithm, std::string secret, EVP_PKEY* key);

  std::string algorithm_;
  std::string secret_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace longwire::test
