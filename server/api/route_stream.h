#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "longwire/v1/gateway.grpc.pb.h"
#include "server/api/courier.h"
#include "server/api/route_job.h"
#include "server/base/metrics.h"
#include "server/base/slots.h"

namespace longwire {

// One RouteStream call: batches in, an answer for each out, in any order. When those under way
// stand for kRouteStreamBytesInFlightMax, or a loop has much to come up with, the stream is not
// read, and the caller's writes wait.
class RouteStream final
    : public grpc::ServerBidiReactor<v1::RouteStreamRequest, v1::RouteStreamResponse>,
      public std::enable_shared_from_this<RouteStream> {
 public:
  static RouteStream* Start(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
                            Courier& courier, Metrics& metrics,
                            grpc::CallbackServerContext& context, Slots::Slot slot);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { self_.reset(); }

 private:
  RouteStream(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
              Courier& courier, Metrics& metrics, grpc::CallbackServerContext& context,
              Slots::Slot slot)
      : hub_(hub),
        protocol_(protocol),
        limits_(limits),
        courier_(courier),
        metrics_(metrics),
        context_(context),
        slot_(std::move(slot)) {}

  struct Batch {
    // Routes are made and freed together, so they need not be allocated one by one.
    google::protobuf::Arena arena;
    v1::RouteStreamRequest& request =
        *google::protobuf::Arena::CreateMessage<v1::RouteStreamRequest>(&arena);
    size_t bytes = 0;  // What it stands for while it is under way.
    std::shared_ptr<RouteJob> job;
  };
  struct BatchAnswer {
    v1::RouteStreamResponse response;
    size_t batch_bytes;
  };

  void Read();
  void Dispatch(std::shared_ptr<Batch> batch, size_t request_bytes);
  bool HasRoomForABatch() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Answer(const Batch& batch);
  grpc::Status EndStatus();
  // Does what the state asks for next: a write, the end, or a read. Reads begin in gRPC's own
  // reactions only: gRPC keeps the call while one runs, and a read that the courier was about to
  // begin could come after the call's end.
  enum class MayRead : bool { kNo, kYes };
  void Advance(MayRead may_read);

  Hub& hub_;
  const ProtocolProvider& protocol_;
  const PushLimits& limits_;
  Courier& courier_;
  Metrics& metrics_;
  grpc::CallbackServerContext& context_;
  const Slots::Slot slot_;

  std::shared_ptr<RouteStream> self_;  // Until OnDone: gRPC holds a bare pointer.
  std::shared_ptr<Batch> reading_;     // What gRPC reads into; touched while no read is under way.

  absl::Mutex mutex_;
  // The front is being written while is_writing_.
  std::deque<BatchAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;  // Read and not yet written.
  bool is_reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;          // The caller sends no more.
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;          // Nobody will read the answers.
  bool is_finished_ ABSL_GUARDED_BY(mutex_) = false;        // Finish was called.
  std::optional<Refusal> refusal_ ABSL_GUARDED_BY(mutex_);  // What the stream ends with.
};

}  // namespace longwire
