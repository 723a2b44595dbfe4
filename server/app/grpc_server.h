#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/edge/address.h"

namespace longwire {

// What of the gRPC server the options decide.
struct GrpcServerOptions {
  ListenAddress address;
  std::shared_ptr<grpc::ServerCredentials> credentials;
  int64_t connection_age_max_millis = 0;
};

struct GrpcServer {
  std::unique_ptr<grpc::Server> server;
  std::string endpoint;  // host:port, with the port that was really taken.
};

// Starts serving `service`, with reflection and grpc.health.v1 beside it. The port is not shared: a
// second gateway on it fails, with UNAVAILABLE. gRPC's threads run on the cores that the calling
// thread may use.
absl::StatusOr<GrpcServer> StartGrpcServer(const GrpcServerOptions& options,
                                           grpc::Service& service);

}  // namespace longwire
