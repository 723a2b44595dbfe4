#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace longwire {

// The files of the gRPC port's TLS, in PEM.
struct GrpcTlsFiles {
  std::string certificate;  // With its chain. Empty = plain text, and so are the others.
  std::string key;
  std::string client_ca;  // Not empty: who calls needs a certificate of it (mTLS).
};

// Credentials for the gRPC port. The files are checked now, and gRPC looks at them again every
// kFileWatchMillis; connections that are open keep what they have. INVALID_ARGUMENT names the file
// and what is wrong with it.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeGrpcCredentials(
    const GrpcTlsFiles& files);

}  // namespace longwire
