#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "longwire/v1/gateway.grpc.pb.h"

namespace longwire::test {

// A backend as a user would write it: subscribes to the clients' messages and sends each back to
// its session through RouteStream.
class EchoBackend {
 public:
  // Returns when the subscription stands: no message sent from now on is missed.
  explicit EchoBackend(const std::shared_ptr<grpc::Channel>& channel);
  ~EchoBackend();
  EchoBackend(const EchoBackend&) = delete;
  EchoBackend& operator=(const EchoBackend&) = delete;

  // The routes that were not accepted, as their reasons.
  std::vector<std::string> failures() const;

 private:
  void Echo();
  void ReadAnswers();

  std::unique_ptr<v1::Gateway::Stub> stub_;
  grpc::ClientContext events_context_;
  grpc::ClientContext routes_context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeEventsResponse>> events_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::RouteStreamRequest, v1::RouteStreamResponse>>
      routes_;

  mutable std::mutex mutex_;
  std::vector<std::string> failures_;  // Guarded by mutex_.

  std::thread echoing_;
  std::thread reading_answers_;
};

}  // namespace longwire::test
