#pragma once

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <memory>
#include <string>

#include "longwire/v1/authenticator.grpc.pb.h"
#include "server/auth/auth_provider.h"
#include "server/protocol/command.h"

namespace longwire {

struct GrpcAuthOptions {
  std::string address;  // A gRPC target such as host:port; connected to when first asked.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  bool is_command = false;  // Clients speak --protocol=command: `auth ...` renews.
  int64_t timeout_millis = 0;
};

// --auth=grpc: asks a backend's Authenticator service. UNAUTHENTICATED and PERMISSION_DENIED refuse
// the client; any other failure, and no answer in time, count as "not available", so an outage of
// the backend logs nobody out for good.
class GrpcAuthenticator final : public AuthProvider {
 public:
  explicit GrpcAuthenticator(const GrpcAuthOptions& options);

  bool IsRenewal(MessageView message) const override {
    return is_command_ && IsAuthCommand(message);
  }
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override;

 private:
  const bool is_command_;
  const int64_t timeout_millis_;
  const std::unique_ptr<v1::Authenticator::Stub> stub_;
};

}  // namespace longwire
