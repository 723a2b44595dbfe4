#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "longwire/v1/gateway.grpc.pb.h"
#include "server/api/courier.h"
#include "server/api/route_job.h"
#include "server/base/metrics.h"

namespace longwire {

// One RouteStream call: batches in, an answer for each out, in any order. Up to
// kRouteBatchesInFlightMax are under way at once; then the stream is not read, and the caller's
// writes wait.
class RouteStream final
    : public grpc::ServerBidiReactor<v1::RouteStreamRequest, v1::RouteStreamResponse>,
      public std::enable_shared_from_this<RouteStream> {
 public:
  static RouteStream* Start(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
                            Courier& courier, Metrics& metrics);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { self_.reset(); }

 private:
  RouteStream(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
              Courier& courier, Metrics& metrics)
      : hub_(hub), protocol_(protocol), limits_(limits), courier_(courier), metrics_(metrics) {}

  struct Batch {
    v1::RouteStreamRequest request;
    std::shared_ptr<RouteJob> job;
  };

  void Read();
  void Answer(const Batch& batch);
  // Does what the state asks for next: a write, a read or the end.
  void Advance();

  Hub& hub_;
  const ProtocolProvider& protocol_;
  const PushLimits& limits_;
  Courier& courier_;
  Metrics& metrics_;

  std::shared_ptr<RouteStream> self_;  // Until OnDone: gRPC holds a bare pointer.
  std::shared_ptr<Batch> reading_;     // What gRPC reads into; touched while no read is under way.

  absl::Mutex mutex_;
  // The front is being written while is_writing_.
  std::deque<v1::RouteStreamResponse> answers_ ABSL_GUARDED_BY(mutex_);
  size_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;  // Read and not yet written.
  bool is_reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;    // The caller sends no more.
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;    // Nobody will read the answers.
  bool is_finished_ ABSL_GUARDED_BY(mutex_) = false;  // Finish was called.
};

}  // namespace longwire
