#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace longwire::test {

// A directory of its own that goes with this object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file, in place of what was there in one step, and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const;

 private:
  std::string path_;
};

// A certificate and its key, as PEM.
struct CertificatePair {
  std::string certificate;
  std::string key;
};

// A certificate authority that nobody knows, with P-256 keys.
class Authority {
 public:
  explicit Authority(const std::string& name = "Test CA");

  // Its own certificate, as PEM.
  const std::string& certificate() const { return certificate_; }
  // For 127.0.0.1, localhost and `name`; for servers and clients alike.
  CertificatePair Issue(const std::string& name) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Certificate Make(const std::string& name, EVP_PKEY& key);

  Key key_;
  Certificate root_;
  std::string certificate_;
};

}  // namespace longwire::test
