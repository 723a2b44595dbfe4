#include "client/cli/gateway_flags.h"

#include <cstdlib>
#include <variant>

#include "client/src/token.h"

namespace longwire::client::cli {

namespace {

// An empty name is a script's variable that was never set: it must not mean "the default".
const CLI::Validator kNotEmpty(
    [](const std::string& text) { return std::string(text.empty() ? "the name is empty" : ""); },
    "");

// Whether it stands on the command line, rather than in the environment.
bool IsTyped(const CLI::App& app, const std::string& flag) {
  const CLI::Option* option = app.get_option(flag);
  if (option->count() == 0) return false;
  const char* variable = std::getenv(option->get_envname().c_str());
  return variable == nullptr || option->results().front() != variable;
}

}  // namespace

void Usage(const std::string& why) {
  throw CLI::ValidationError(why);
}

std::string TokenOrUsage(const std::string& path, const std::string& flag) {
  auto read = internal::ReadTokenFile(path);
  if (const auto* why = std::get_if<std::string>(&read)) Usage(flag + ": " + *why);
  return std::get<internal::Token>(std::move(read)).text;
}

void GatewayFlags::AddTo(CLI::App* app) {
  app_ = app;
  app->add_option("--address", address_, "The gateway's gRPC address")
      ->envname("LONGWIRE_ADDRESS")
      ->capture_default_str();
  app->add_option("--token-file", token_file_,
                  "File with the bearer token for gRPC; without TLS it travels in the clear")
      ->envname("LONGWIRE_TOKEN_FILE")
      ->check(kNotEmpty);
  app->add_flag("--tls", is_tls_, "Speak TLS, and trust the CAs that the system trusts")
      ->envname("LONGWIRE_TLS");
  app->add_option("--tls-ca", tls_.ca_file, "Speak TLS, and trust only the CAs in this PEM file")
      ->envname("LONGWIRE_TLS_CA")
      ->check(kNotEmpty);
  app->add_option("--tls-cert", tls_.cert_file,
                  "Speak TLS, and show the certificate in this PEM file (mTLS)")
      ->envname("LONGWIRE_TLS_CERT")
      ->check(kNotEmpty);
  app->add_option("--tls-key", tls_.key_file, "The key of --tls-cert, a PEM file")
      ->envname("LONGWIRE_TLS_KEY")
      ->check(kNotEmpty);
  app->add_option("--tls-server-name", tls_.server_name,
                  "Speak TLS, and expect a certificate for this name instead of the address's host")
      ->envname("LONGWIRE_TLS_SERVER_NAME")
      ->check(kNotEmpty);
}

ClientOptions GatewayFlags::Client() const {
  ClientOptions client{.address = address_};
  if (!token_file_.empty()) {
    client.token = TokenOrUsage(token_file_, "--token-file");
    client.token_file = token_file_;
  }
  if (is_tls_ || !tls_.ca_file.empty() || !tls_.cert_file.empty() || !tls_.key_file.empty() ||
      !tls_.server_name.empty()) {
    UseTlsOrUsage(&client);
  }
  return client;
}

TlsOptions GatewayFlags::WebSocketTls(const WebSocketUrl& url) const {
  if (IsTyped(*app_, "--token-file")) {
    Usage("--token-file: is for gRPC; connect sends the token of --user-token-file");
  }
  for (const char* flag : {"--tls-cert", "--tls-key"}) {
    if (IsTyped(*app_, flag)) {
      Usage(std::string(flag) + ": is for gRPC; connect shows no certificate");
    }
  }
  if (!url.is_tls) {
    for (const char* flag : {"--tls", "--tls-ca", "--tls-server-name"}) {
      if (IsTyped(*app_, flag)) Usage(std::string(flag) + ": ws:// is without TLS; write wss://");
    }
    return {};
  }
  const TlsOptions tls = {.ca_file = tls_.ca_file, .server_name = tls_.server_name};
  ClientOptions unused;
  if (const Status status = UseTls(tls, &unused); !status.ok()) Usage(status.text);
  return tls;
}

void GatewayFlags::UseTlsOrUsage(ClientOptions* client) const {
  if (!tls_.cert_file.empty() && tls_.key_file.empty())
    Usage("--tls-cert: needs --tls-key as well");
  if (!tls_.key_file.empty() && tls_.cert_file.empty())
    Usage("--tls-key: needs --tls-cert as well");
  if (const Status status = UseTls(tls_, client); !status.ok()) Usage(status.text);
}

}  // namespace longwire::client::cli
