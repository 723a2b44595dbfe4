// The inside of a Consumer: a Subscription that feeds a queue, workers that empty it, and a thread
// that acknowledges.
#pragma once

#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "ack_log.h"
#include "backoff.h"
#include "connection.h"
#include "event_queue.h"
#include "longwire/consumer.h"
#include "longwire/subscription.h"
#include "sync.h"

namespace longwire::client {

class Consumer::Impl {
 public:
  using Subscribe =
      std::function<std::unique_ptr<Subscription>(SubscriptionOptions, SubscriptionHandlers)>;

  Impl(std::shared_ptr<const internal::Connection> connection, ConsumerOptions options,
       ConsumerHandlers handlers, const Subscribe& subscribe);
  ~Impl();

  void Stop();
  Subscription& subscription() const { return *subscription_; }
  size_t unacked() const;
  uint64_t handled() const { return handled_; }

 private:
  SubscriptionHandlers MakeHandlers();
  void OnConnected(int64_t subscription_id);
  void OnEvent(const v1::Event& event);
  // Nothing of the stream that was counts any more.
  void ForgetStream(int64_t next_subscription_id);

  void RunWorker();
  std::optional<internal::EventQueue::Item> TakeItem();
  void OnHandled(internal::EventQueue::Item item, HandleResult result);
  std::chrono::milliseconds RetryPause(int attempts) const;

  void RunAcks();
  // Waits for something to acknowledge. Unset when there will be nothing more.
  std::optional<internal::AckLog::Ack> TakeAck(int64_t* subscription_id);
  grpc::StatusCode Send(int64_t subscription_id, const internal::AckLog::Ack& ack);
  void WaitForLastAcks();
  // The pause before an acknowledgement of this stream is sent again; another stream ends it.
  void Pause(int64_t subscription_id, std::chrono::milliseconds delay);

  // Constant after construction.
  const std::shared_ptr<const internal::Connection> connection_;
  const ConsumerOptions options_;
  const ConsumerHandlers handlers_;

  std::atomic<uint64_t> handled_{0};

  mutable internal::Mutex mu_;
  internal::CondVar work_;  // There may be something to handle.
  internal::CondVar acks_;  // There may be something to acknowledge, or it has been.
  internal::EventQueue queue_ ABSL_GUARDED_BY(mu_);
  internal::AckLog ack_log_ ABSL_GUARDED_BY(mu_);
  bool is_acking_ ABSL_GUARDED_BY(mu_) = false;
  // Of the acknowledgement under way, for TryCancel.
  grpc::ClientContext* ack_context_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool is_stopping_ ABSL_GUARDED_BY(mu_) = false;  // No further event is begun.
  bool is_over_ ABSL_GUARDED_BY(mu_) = false;      // Nothing more is acknowledged.

  // Serialises the joins, for two Stops at once.
  internal::Mutex stop_mu_;
  std::vector<std::thread> workers_;
  std::thread acker_;
  // The last: it calls back what stands above.
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace longwire::client
