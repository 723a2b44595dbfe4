#include "client/cli/gateway_flags.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace longwire::client::cli {
namespace {

class CliGatewayFlags : public testing::Test {
 protected:
  CliGatewayFlags() {
    std::filesystem::create_directories(directory_);
    for (const char* name : kVariables) unsetenv(name);
  }
  ~CliGatewayFlags() override {
    std::filesystem::remove_all(directory_);
    for (const char* name : kVariables) unsetenv(name);
  }

  std::string File(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Certificate() {
    return File("cert.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
  }
  std::string Key() {
    return File("key.pem", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
  }

  // The same for `connect` to this URL.
  static TlsOptions ParseForWebSocket(std::vector<std::string> arguments, const char* url) {
    CLI::App app("", "longwire");
    GatewayFlags flags;
    flags.AddTo(&app);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
    return flags.WebSocketTls(std::get<WebSocketUrl>(ParseWebSocketUrl(url)));
  }

  // Throws what main would catch.
  static ClientOptions Parse(std::vector<std::string> arguments) {
    CLI::App app("", "longwire");
    GatewayFlags flags;
    flags.AddTo(&app);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
    return flags.Client();
  }

  static std::string WhyRefused(std::vector<std::string> arguments) {
    try {
      Parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "taken";
  }

  static constexpr const char* kVariables[] = {
      "LONGWIRE_ADDRESS",        "LONGWIRE_TOKEN_FILE", "LONGWIRE_TLS",
      "LONGWIRE_TLS_CA",         "LONGWIRE_TLS_CERT",   "LONGWIRE_TLS_KEY",
      "LONGWIRE_TLS_SERVER_NAME"};
  const std::string directory_ = testing::TempDir() + "/flags." +
                                 std::to_string(testing::UnitTest::GetInstance()->random_seed()) +
                                 "." +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(CliGatewayFlags, WithoutAnyThereIsNeitherTlsNorAToken) {
  const ClientOptions client = Parse({});
  EXPECT_EQ(client.address, "127.0.0.1:9090");
  EXPECT_EQ(client.token, "");
  EXPECT_EQ(client.token_file, "");
  EXPECT_EQ(client.tls, nullptr);
}

TEST_F(CliGatewayFlags, EachTlsFlagAsksForTls) {
  EXPECT_NE(Parse({"--tls"}).tls, nullptr);
  EXPECT_NE(Parse({"--tls-ca", Certificate()}).tls, nullptr);
  EXPECT_NE(Parse({"--tls-cert", Certificate(), "--tls-key", Key()}).tls, nullptr);
  const ClientOptions named = Parse({"--tls-server-name", "gateway.example.org"});
  EXPECT_NE(named.tls, nullptr);
  EXPECT_EQ(named.tls_server_name, "gateway.example.org");
}

TEST_F(CliGatewayFlags, AreTakenFromTheEnvironmentToo) {
  setenv("LONGWIRE_ADDRESS", "gateway:1", 1);
  setenv("LONGWIRE_TOKEN_FILE", File("token", "secret\n").c_str(), 1);
  setenv("LONGWIRE_TLS_CA", Certificate().c_str(), 1);
  setenv("LONGWIRE_TLS_CERT", Certificate().c_str(), 1);
  setenv("LONGWIRE_TLS_KEY", Key().c_str(), 1);
  setenv("LONGWIRE_TLS_SERVER_NAME", "from.environment", 1);
  const ClientOptions client = Parse({"--address", "typed:2"});
  EXPECT_EQ(client.address, "typed:2");
  EXPECT_EQ(client.token, "secret");
  EXPECT_NE(client.tls, nullptr);
  EXPECT_EQ(client.tls_server_name, "from.environment");
}

TEST_F(CliGatewayFlags, LongwireTlsIsAYesOrANo) {
  for (const char* yes : {"1", "true", "yes", "on"}) {
    setenv("LONGWIRE_TLS", yes, 1);
    EXPECT_NE(Parse({}).tls, nullptr) << yes;
  }
  for (const char* no : {"", "0", "false", "no", "off"}) {
    setenv("LONGWIRE_TLS", no, 1);
    EXPECT_EQ(Parse({}).tls, nullptr) << no;
  }
  setenv("LONGWIRE_TLS", "perhaps", 1);
  EXPECT_NE(WhyRefused({}), "taken");
}

TEST_F(CliGatewayFlags, ATokenIsReadFromItsFileAndFollowedThere) {
  const std::string path = File("token", "secret\n");
  const ClientOptions client = Parse({"--token-file", path});
  EXPECT_EQ(client.token, "secret");
  EXPECT_EQ(client.token_file, path);
}

TEST_F(CliGatewayFlags, OfThemAWebSocketTakesTheCaAndTheName) {
  const TlsOptions typed =
      ParseForWebSocket({"--tls", "--tls-ca", Certificate(), "--tls-server-name", "a"}, "wss://h/");
  EXPECT_EQ(typed.ca_file, Certificate());
  EXPECT_EQ(typed.server_name, "a");
  EXPECT_THROW(ParseForWebSocket({"--tls-ca", Certificate()}, "ws://h/"), CLI::ValidationError);
  EXPECT_THROW(ParseForWebSocket({"--tls-ca", Key()}, "wss://h/"), CLI::ValidationError);
  EXPECT_THROW(ParseForWebSocket({"--tls-key", Key()}, "wss://h/"), CLI::ValidationError);
  EXPECT_THROW(ParseForWebSocket({"--token-file", Key()}, "wss://h/"), CLI::ValidationError);
}

TEST_F(CliGatewayFlags, AWebSocketLeavesTheEnvironmentOfGrpcAlone) {
  setenv("LONGWIRE_TLS", "1", 1);
  setenv("LONGWIRE_TLS_CA", Certificate().c_str(), 1);
  setenv("LONGWIRE_TLS_CERT", "/no/such", 1);
  setenv("LONGWIRE_TLS_KEY", "/no/such", 1);
  setenv("LONGWIRE_TOKEN_FILE", "/no/such", 1);
  EXPECT_EQ(ParseForWebSocket({}, "wss://h/").ca_file, Certificate());
  EXPECT_EQ(ParseForWebSocket({}, "wss://h/").key_file, "");
  EXPECT_EQ(ParseForWebSocket({}, "ws://h/").ca_file, "");
}

TEST_F(CliGatewayFlags, SayWhatIsWrongWithThem) {
  const std::string missing = directory_ + "/missing";
  const std::string empty = File("empty", "");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"--tls-cert", Certificate()}, "--tls-cert: needs --tls-key as well"},
      {{"--tls-key", Key()}, "--tls-key: needs --tls-cert as well"},
      {{"--tls-ca", missing}, "cannot read the CA file " + missing + ": No such file or directory"},
      {{"--tls-cert", Certificate(), "--tls-key", missing},
       "cannot read the key file " + missing + ": No such file or directory"},
      {{"--tls-ca", Key()},
       "the CA file " + Key() + " holds no '-----BEGIN ... CERTIFICATE-----'; is it PEM?"},
      {{"--tls-ca", ""}, "--tls-ca: the name is empty"},
      {{"--tls-server-name", ""}, "--tls-server-name: the name is empty"},
      {{"--token-file", ""}, "--token-file: the name is empty"},
      {{"--token-file", missing},
       "--token-file: cannot read " + missing + ": No such file or directory"},
      {{"--token-file", empty}, "--token-file: " + empty + " is empty"},
  };
  for (const auto& [arguments, why] : rows) EXPECT_EQ(WhyRefused(arguments), why);
}

}  // namespace
}  // namespace longwire::client::cli
