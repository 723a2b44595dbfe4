// The inside of a RouteStream: one thread that opens streams and writes, and for each stream one
// that reads.
#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <thread>

#include "backoff.h"
#include "connection.h"
#include "longwire/route_stream.h"
#include "route_queue.h"
#include "sync.h"

namespace longwire::client {

class RouteStream::Impl {
 public:
  Impl(std::shared_ptr<const internal::Connection> connection, const RouteStreamOptions& options);
  ~Impl();

  SendResult Send(const Target& target, v1::Message message, AnswerHandler on_answer);
  bool WaitForRoom(std::chrono::milliseconds at_most);
  bool Flush(std::chrono::milliseconds at_most);
  void Close(std::chrono::milliseconds at_most);
  Status status() const;
  Stats stats() const;

 private:
  using Stream = grpc::ClientReaderWriter<v1::RouteStreamRequest, v1::RouteStreamResponse>;

  void Run();
  // Waits until the gateway is reachable. False if there is no use in going on.
  bool WaitForGateway();
  // Opens one stream and uses it until it ends. Returns why it did.
  Status UseOneStream();
  void Write(Stream* stream);
  void Read(Stream* stream);
  void HandleResponse(const v1::RouteStreamResponse& response);
  // Answers every route of these batches with one status.
  void AnswerAll(std::vector<internal::RouteHandlers> batches, const Status& status);
  void FinishBatch(uint64_t batch_id, uint64_t accepted, uint64_t failed);
  // Nothing more to do: closed and all answered, or cut.
  bool IsOver() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False if the end came first.
  bool Sleep(std::chrono::milliseconds delay);

  // Constant after construction.
  const std::shared_ptr<const internal::Connection> connection_;
  const RouteStreamOptions options_;

  // Only on thread_.
  internal::Backoff backoff_;

  mutable internal::Mutex mu_;
  // Something to write, or an end.
  internal::CondVar writable_;
  // Something was answered, or an end.
  internal::CondVar answered_;
  internal::RouteQueue queue_ ABSL_GUARDED_BY(mu_);
  Stats stats_ ABSL_GUARDED_BY(mu_);
  Status status_ ABSL_GUARDED_BY(mu_);
  // Of the stream under way, for TryCancel; null between streams.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
  // The stream under way can carry no more.
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
  // It has answered at least once.
  bool proven_ ABSL_GUARDED_BY(mu_) = false;
  // Send takes no more.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  // Nobody waits for answers any more.
  bool cut_ ABSL_GUARDED_BY(mu_) = false;
  // Run() has returned.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  // Serialises the join, for two Closes at once.
  internal::Mutex join_mu_;
  std::thread thread_;
};

}  // namespace longwire::client
