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

absl::StatusOr<Secrets> LoadSecrets(const Options& options, FileReloader& reloader) {
  Secrets secrets;
  if (!options.ws_tls_cert.empty()) {
    FileWatch watch({options.ws_tls_cert, options.ws_tls_key});
    auto tls = TlsContext::Load(options.ws_tls_cert, options.ws_tls_key);
    if (!tls.ok()) return Of("--ws-tls-cert, --ws-tls-key", tls.status());
    secrets.ws_tls = *std::move(tls);
    reloader.Add("the certificate for clients (--ws-tls-cert, --ws-tls-key)", std::move(watch),
                 [tls = secrets.ws_tls] { return tls->Reload(); });
  }
  if (!options.grpc_token_file.empty()) {
    FileWatch watch({options.grpc_token_file});
    auto tokens = CallerTokens::Load(options.grpc_token_file);
    if (!tokens.ok()) return Of("--grpc-token-file", tokens.status());
    secrets.grpc_tokens = *std::move(tokens);
    reloader.Add("the backends' tokens (--grpc-token-file)", std::move(watch),
                 [tokens = secrets.grpc_tokens] { return tokens->Reload(); });
  }
  auto grpc = MakeGrpcCredentials({.certificate = options.grpc_tls_cert,
                                   .key = options.grpc_tls_key,
                                   .client_ca = options.grpc_client_ca});
  if (!grpc.ok()) return Of("--grpc-tls-cert, --grpc-tls-key, --grpc-client-ca", grpc.status());
  secrets.grpc = *std::move(grpc);
  if (!options.grpc_tls_cert.empty() && options.grpc_client_ca.empty() &&
      options.grpc_token_file.empty()) {
    spdlog::warn(
        "--grpc-tls-cert alone does not say who calls: whoever reaches the port may do everything. "
        "Add --grpc-token-file or --grpc-client-ca");
  }
  return secrets;
}

}  // namespace longwire
