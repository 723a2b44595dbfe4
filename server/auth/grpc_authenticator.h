#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "longwire/v1/authenticator.grpc.pb.h"
#include "server/auth/auth_provider.h"

namespace longwire {

// --auth=grpc: asks a backend's Authenticator service. UNAUTHENTICATED and PERMISSION_DENIED refuse
// the client; any other failure, and no answer in time, count as "not available", so an outage of
// the backend logs nobody out for good.
class GrpcAuthenticator final : public AuthProvider {
 public:
  // `address` is a gRPC target such as host:port. Connects when first asked.
  GrpcAuthenticator(const std::string& address, int64_t timeout_millis);

  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override;

 private:
  const int64_t timeout_millis_;
  const std::unique_ptr<v1::Authenticator::Stub> stub_;
};

}  // namespace longwire
