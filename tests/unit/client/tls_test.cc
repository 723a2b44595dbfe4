#include "longwire/tls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "longwire/client.h"

namespace longwire::client {
namespace {

constexpr char kCertificate[] = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
constexpr char kKey[] = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";

class ClientTls : public testing::Test {
 protected:
  ClientTls() { std::filesystem::create_directories(directory_); }
  ~ClientTls() override { std::filesystem::remove_all(directory_); }

  std::string File(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  // What UseTls says; of options that it refuses, nothing is changed.
  static std::string WhyRefused(const TlsOptions& tls) {
    ClientOptions options;
    const Status status = UseTls(tls, &options);
    EXPECT_EQ(status.code, grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.reason, kReasonInvalid);
    EXPECT_EQ(options.tls, nullptr);
    EXPECT_EQ(options.tls_server_name, "");
    return status.text;
  }

  const std::string directory_ = testing::TempDir() + "/tls." +
                                 std::to_string(testing::UnitTest::GetInstance()->random_seed()) +
                                 "." +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ClientTls, SecuresTheChannelWithAllOrNothingGiven) {
  ClientOptions of_system;
  EXPECT_TRUE(UseTls({}, &of_system).ok());
  EXPECT_NE(of_system.tls, nullptr);
  EXPECT_EQ(of_system.tls_server_name, "");

  ClientOptions mutual;
  const Status status = UseTls({.ca_file = File("ca.pem", kCertificate),
                                .cert_file = File("cert.pem", kCertificate),
                                .key_file = File("key.pem", kKey),
                                .server_name = "gateway.example.org"},
                               &mutual);
  EXPECT_TRUE(status.ok()) << status.text;
  EXPECT_NE(mutual.tls, nullptr);
  EXPECT_EQ(mutual.tls_server_name, "gateway.example.org");
}

TEST_F(ClientTls, RefusesACertificateWithoutItsKeyAndAKeyWithoutItsCertificate) {
  EXPECT_EQ(WhyRefused({.cert_file = File("cert.pem", kCertificate), .server_name = "a"}),
            "a client certificate needs its key as well");
  EXPECT_EQ(WhyRefused({.key_file = File("key.pem", kKey), .server_name = "a"}),
            "a client key needs its certificate as well");
}

TEST_F(ClientTls, RefusesAFileThatCannotBeReadByItsName) {
  const std::string missing = directory_ + "/missing.pem";
  const std::string certificate = File("cert.pem", kCertificate);
  const std::string why = missing + ": No such file or directory";
  EXPECT_EQ(WhyRefused({.ca_file = missing}), "cannot read the CA file " + why);
  EXPECT_EQ(WhyRefused({.cert_file = missing, .key_file = missing}),
            "cannot read the certificate file " + why);
  EXPECT_EQ(WhyRefused({.cert_file = certificate, .key_file = missing}),
            "cannot read the key file " + why);
  EXPECT_EQ(WhyRefused({.ca_file = directory_}),
            "cannot read the CA file " + directory_ + ": Is a directory");
}

TEST_F(ClientTls, RefusesAFileThatHoldsSomethingElse) {
  const std::string certificate = File("cert.pem", kCertificate);
  const std::string key = File("key.pem", kKey);
  const std::string empty = File("empty.pem", "");
  const std::string der = File("ca.der", std::string("\x30\x82\0\0", 4));
  for (const std::string& path : {key, empty, der}) {
    EXPECT_EQ(WhyRefused({.ca_file = path}),
              "the CA file " + path + " holds no '-----BEGIN ... CERTIFICATE-----'; is it PEM?");
  }
  EXPECT_EQ(
      WhyRefused({.cert_file = key, .key_file = key}),
      "the certificate file " + key + " holds no '-----BEGIN ... CERTIFICATE-----'; is it PEM?");
  EXPECT_EQ(
      WhyRefused({.cert_file = certificate, .key_file = certificate}),
      "the key file " + certificate + " holds no '-----BEGIN ... PRIVATE KEY-----'; is it PEM?");
}

TEST_F(ClientTls, OptionsWhoseCertificatesAreNoneFailWhenTheClientConnects) {
  ClientOptions options{.address = "127.0.0.1:1", .call_timeout = std::chrono::milliseconds(1000)};
  ASSERT_TRUE(UseTls({.ca_file = File("ca.pem", kCertificate)}, &options).ok());
  EXPECT_EQ(Client(options).ListSessions().status.code, grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace longwire::client
