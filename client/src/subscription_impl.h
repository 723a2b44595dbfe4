// The inside of a Subscription: one thread that opens streams and reads them.
#pragma once

#include <grpcpp/client_context.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "backoff.h"
#include "connection.h"
#include "longwire/subscription.h"
#include "position.h"
#include "sync.h"

namespace longwire::client {

class Subscription::Impl {
 public:
  Impl(std::shared_ptr<const internal::Connection> connection, SubscriptionOptions options,
       SubscriptionHandlers handlers);
  ~Impl();

  void Stop();
  bool WaitForEnd(std::chrono::milliseconds at_most);
  std::optional<Status> status() const;
  std::optional<Cursor> cursor() const;
  uint64_t lag() const;

 private:
  void Run();
  // Opens one stream and reads it until it ends. Returns why it did.
  Status ReadOneStream();
  void HandleResponse(const v1::SubscribeEventsResponse& response);
  void HandleSnapshotDone();
  v1::SubscribeEventsRequest MakeRequest();
  // The wait before another attempt. False if Stop came first.
  bool WaitToRetry(std::chrono::milliseconds delay);
  bool Sleep(std::chrono::milliseconds delay);
  void End(Status status);

  // Constant after construction.
  const std::shared_ptr<const internal::Connection> connection_;
  const SubscriptionOptions options_;
  const SubscriptionHandlers handlers_;

  // Only on thread_.
  internal::Backoff backoff_;
  bool connected_ = false;

  // Asked between two events, so without the lock.
  std::atomic<bool> stopping_{false};

  mutable internal::Mutex mu_;
  internal::CondVar changed_;
  internal::Position position_ ABSL_GUARDED_BY(mu_);
  // Of the stream under way, for TryCancel; null between streams.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::optional<Status> status_ ABSL_GUARDED_BY(mu_);
  // on_end has returned.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  // Who runs Run(), set by itself: a handler may call Stop before thread_ is assigned.
  std::atomic<std::thread::id> runner_{};
  // Serialises the join, for two Stops at once.
  internal::Mutex join_mu_;
  std::thread thread_;
};

}  // namespace longwire::client
