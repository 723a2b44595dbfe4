#include "server/app/secrets.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "server/app/grpc_credentials.h"

namespace longwire {
namespace {

absl::Status Of(const char* flag, const absl::Status& status) {
  return {status.code(), fmt::format("{}: {}", flag, std::string(status.message()))};
}

}  // namespace

absl::StatusOr<Secrets> LoadSecrets(const Options& options) {
  Secrets secrets;
  if (!options.ws_tls_cert.empty()) {
    auto tls = TlsContext::Load(options.ws_tls_cert, options.ws_tls_key);
    if (!tls.ok()) return Of("--ws-tls-cert, --ws-tls-key", tls.status());
    secrets.ws_tls = *std::move(tls);
  }
  if (!options.grpc_token_file.empty()) {
    auto tokens = CallerTokens::Load(options.grpc_token_file);
    if (!tokens.ok()) return Of("--grpc-token-file", tokens.status());
    secrets.grpc_tokens = *std::move(tokens);
  }
  auto grpc = MakeGrpcCredentials({.certificate = options.grpc_tls_cert,
                                   .key = options.grpc_tls_key,
                                   .client_ca = options.grpc_client_ca});
  if (!grpc.ok()) return Of("--grpc-tls-cert, --grpc-tls-key, --grpc-client-ca", grpc.status());
  secrets.grpc = *std::move(grpc);
  return secrets;
}

void WatchSecrets(const Options& options, Secrets& secrets, FileReloader& reloader) {
  if (secrets.ws_tls != nullptr) {
    reloader.Add("the certificate for clients (--ws-tls-cert, --ws-tls-key)",
                 {options.ws_tls_cert, options.ws_tls_key},
                 [&tls = *secrets.ws_tls] { return tls.Reload(); });
  }
  if (secrets.grpc_tokens != nullptr) {
    reloader.Add("the backends' tokens (--grpc-token-file)", {options.grpc_token_file},
                 [&tokens = *secrets.grpc_tokens] { return tokens.Reload(); });
  }
}

}  // namespace longwire
