#include "tests/support/certificates.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace longwire::test {
namespace {

constexpr int kDaySeconds = 24 * 3'600;

template <typename Write>
std::string ToPem(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(bio), 1);
  char* bytes = nullptr;
  const auto count = BIO_get_mem_data(bio, &bytes);
  std::string pem(bytes, static_cast<size_t>(count));
  BIO_free(bio);
  return pem;
}

void AddExtension(X509& certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "longwire-XXXXXX").string();
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(const std::string& name, const std::string& contents) const {
  std::string path = path_ + "/" + name;
  std::ofstream(path + ".new", std::ios::binary) << contents;
  std::filesystem::rename(path + ".new", path);
  return path;
}

Authority::Certificate Authority::Make(const std::string& name, EVP_PKEY& key) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  std::random_device random;
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), random() | 1u);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kDaySeconds);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), &key);
  return made;
}

Authority::Authority(const std::string& name)
    : key_(EVP_EC_gen("P-256")), root_(Make(name, *key_)) {
  X509_set_issuer_name(root_.get(), X509_get_subject_name(root_.get()));
  AddExtension(*root_, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(root_.get(), key_.get(), EVP_sha256());
  certificate_ = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, root_.get()); });
}

CertificatePair Authority::Issue(const std::string& name) const {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate leaf = Make(name, *key);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(root_.get()));
  AddExtension(*leaf, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost,DNS:" + name);
  X509_sign(leaf.get(), key_.get(), EVP_sha256());
  return {.certificate = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, leaf.get()); }),
          .key = ToPem([&](BIO* bio) {
            return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr);
          })};
}

}  // namespace longwire::test
