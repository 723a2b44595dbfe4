// The flags that all commands share: where the gateway is, and how it is spoken to.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "client/cli/parse.h"
#include "longwire/client.h"

namespace longwire::client::cli {

// Refuses a command line that CLI11 was content with: throws what CLI11 itself throws.
[[noreturn]] void Usage(const std::string& why);

// Each flag is also an environment variable: LONGWIRE_TLS_CA for --tls-ca.
class GatewayFlags {
 public:
  GatewayFlags() = default;
  GatewayFlags(const GatewayFlags&) = delete;
  GatewayFlags& operator=(const GatewayFlags&) = delete;

  // REQUIRES: this outlives the parsing of `app`.
  void AddTo(CLI::App* app);

  // All below: once parsed. They read the files that are named, and throw by Usage() where one
  // cannot be read, or flags do not go together.

  // How to reach the gateway by gRPC. TLS is spoken if any of the TLS flags asks for it.
  ClientOptions Client() const;

  // What of them `connect` uses for this URL: the CA and the name of the server. Refuses those
  // typed for it that would do nothing there; of the environment, they are left alone.
  TlsOptions WebSocketTls(const WebSocketUrl& url) const;

 private:
  // Throws, naming the flags, if the TLS options are not usable.
  void UseTlsOrUsage(ClientOptions* client) const;

  // Set by AddTo, for telling what was typed.
  const CLI::App* app_ = nullptr;
  std::string address_ = ClientOptions().address;
  std::string token_file_;
  bool is_tls_ = false;
  TlsOptions tls_;
};

// The token in the file, e.g. of the flag "--token-file"; throws by Usage().
std::string TokenOrUsage(const std::string& path, const std::string& flag);

}  // namespace longwire::client::cli
