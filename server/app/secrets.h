#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "server/api/caller_tokens.h"
#include "server/app/file_reloader.h"
#include "server/app/options.h"
#include "server/edge/tls_context.h"

namespace longwire {

// What protects the ports: certificates, keys and tokens, from the files that the options name.
struct Secrets {
  std::shared_ptr<TlsContext> ws_tls;             // Null: clients speak plain text.
  std::shared_ptr<CallerTokens> grpc_tokens;      // Null: whoever reaches the port may call.
  std::shared_ptr<grpc::ServerCredentials> grpc;  // Plain text, TLS or mTLS.
};

// Reads them all, and has them watched by the reloader (but for gRPC's certificates, whose files
// gRPC looks at itself). INVALID_ARGUMENT or NOT_FOUND names the flag, the file and what is wrong.
absl::StatusOr<Secrets> LoadSecrets(const Options& options, FileReloader& reloader);

}  // namespace longwire
