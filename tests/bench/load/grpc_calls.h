#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "longwire/v1/gateway.grpc.pb.h"
#include "tests/bench/load/backend.h"
#include "tests/bench/load/push_answers.h"

namespace longwire::bench {

// The unary calls of a backend: any number of them under way, each answered on a thread of gRPC's.
class GrpcCalls {
 public:
  GrpcCalls(v1::Gateway::Stub& stub, PushAnswers& answers) : stub_(stub), answers_(answers) {}

  void Route(const Push& push);
  void Broadcast(std::string_view payload);

  // Waits for the answers to all calls. Dies if that takes too long.
  void AwaitAll();

 private:
  // One call of Route, and what it needs until its answer.
  struct RouteCall {
    std::unique_ptr<grpc::ClientContext> context;
    v1::RouteRequest request;
    v1::RouteResponse response;
  };

  void OnRouted(std::unique_ptr<RouteCall> call, const grpc::Status& status);
  // REQUIRES: mutex_ is held.
  void OneIsDone();

  v1::Gateway::Stub& stub_;
  PushAnswers& answers_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<RouteCall>> spare_;
  uint64_t under_way_ = 0;
};

}  // namespace longwire::bench
