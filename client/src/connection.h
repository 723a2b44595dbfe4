// What a Client shares with the streams made from it.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>

#include "longwire/client.h"
#include "longwire/v1/gateway.grpc.pb.h"
#include "token.h"

namespace longwire::client::internal {

// All of it is safe from any thread.
struct Connection {
  explicit Connection(const ClientOptions& options);

  void Authorize(grpc::ClientContext* context) const;

  // Waits until the channel stands, at most so long. True if it does. While nothing is called,
  // gRPC looks at a connection under way only every 5 s; this wait drives it. Without it, whoever
  // calls again after a restart would be told for seconds that the gateway is away.
  bool WaitForConnected(std::chrono::milliseconds at_most) const;

  const std::string address;
  const TokenSource token;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::Gateway::Stub> stub;
};

}  // namespace longwire::client::internal
