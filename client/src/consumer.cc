#include "longwire/consumer.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <random>
#include <utility>

#include "consumer_impl.h"

namespace longwire::client {

using internal::MutexLock;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// An acknowledgement that is not answered by then is sent again: that is always safe.
constexpr milliseconds kAckTimeout{5000};
// How long Stop waits for the last acknowledgements.
constexpr milliseconds kLastAcks{5000};

// What else may come is the network's or a proxy's: it passes, or the stream ends too.
bool IsWorthAnother(grpc::StatusCode code) {
  return code != grpc::StatusCode::OK && code != grpc::StatusCode::NOT_FOUND &&
         code != grpc::StatusCode::INVALID_ARGUMENT && code != grpc::StatusCode::UNIMPLEMENTED;
}

SubscriptionOptions ToSubscription(const ConsumerOptions& options) {
  return {.start_at = options.start_at,
          .after = options.after,
          .types = options.types,
          .include_silent = options.include_silent,
          // Without a name it would be no member but a subscriber to everything; the gateway
          // refuses this one and says why.
          .consumer_group = options.group.empty() ? " " : options.group,
          .manual_ack = true,
          .unacked_events_max = options.unacked_events_max,
          .ack_timeout = options.ack_timeout,
          .backoff_first = options.backoff_first,
          .backoff_longest = options.backoff_longest};
}

}  // namespace

Consumer::Impl::Impl(std::shared_ptr<const internal::Connection> connection,
                     ConsumerOptions options, ConsumerHandlers handlers, const Subscribe& subscribe)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      handlers_(std::move(handlers)) {
  for (int i = 0; i < std::max(options_.workers, 1); ++i) {
    workers_.emplace_back([this] { RunWorker(); });
  }
  acker_ = std::thread([this] { RunAcks(); });
  subscription_ = subscribe(ToSubscription(options_), MakeHandlers());
}

Consumer::Impl::~Impl() {
  Stop();
}

SubscriptionHandlers Consumer::Impl::MakeHandlers() {
  return {.on_event = [this](const v1::Event& event) { OnEvent(event); },
          .on_gap = handlers_.on_gap,
          .on_connected = [this](int64_t subscription_id,
                                 const std::string&) { OnConnected(subscription_id); },
          .on_disconnected =
              [this](const Status& status, milliseconds retry_in) {
                ForgetStream(0);
                if (handlers_.on_disconnected) handlers_.on_disconnected(status, retry_in);
              },
          .on_end =
              [this](const Status& status) {
                ForgetStream(0);
                if (handlers_.on_end) handlers_.on_end(status);
              }};
}

void Consumer::Impl::OnConnected(int64_t subscription_id) {
  ForgetStream(subscription_id);
  if (handlers_.on_connected) handlers_.on_connected(subscription_id);
}

void Consumer::Impl::ForgetStream(int64_t next_subscription_id) {
  MutexLock lock(&mu_);
  queue_.DropWaiting();
  ack_log_.Reset(next_subscription_id);
  acks_.NotifyAll();
}

void Consumer::Impl::OnEvent(const v1::Event& event) {
  MutexLock lock(&mu_);
  if (is_stopping_) return;
  ack_log_.Sent(event.sequence());
  queue_.Push(event, ack_log_.subscription_id());
  work_.NotifyOne();
}

void Consumer::Impl::RunWorker() {
  while (auto item = TakeItem()) {
    const HandleResult result = handlers_.on_event(item->event);
    OnHandled(*std::move(item), result);
  }
}

std::optional<internal::EventQueue::Item> Consumer::Impl::TakeItem() {
  MutexLock lock(&mu_);
  while (!is_stopping_) {
    if (auto item = queue_.Take(steady_clock::now())) {
      // A wake-up may have been meant for another time or for more than one.
      if (queue_.waiting() > 0) work_.NotifyOne();
      return item;
    }
    if (const auto next = queue_.NextTime()) {
      work_.WaitUntil(&mu_, *next);
    } else {
      work_.Wait(&mu_);
    }
  }
  return std::nullopt;
}

void Consumer::Impl::OnHandled(internal::EventQueue::Item item, HandleResult result) {
  MutexLock lock(&mu_);
  if (result == HandleResult::kDone) {
    ++handled_;
    ack_log_.Done(item.subscription_id, item.event.sequence());
    queue_.Done(item);
    acks_.NotifyAll();
  } else {
    const auto at = steady_clock::now() + RetryPause(item.attempts);
    queue_.Retry(std::move(item), at, ack_log_.subscription_id());
  }
  // The next of the same uid may go now, or has a time at which it may.
  work_.NotifyOne();
}

milliseconds Consumer::Impl::RetryPause(int attempts) const {
  milliseconds pause = std::max(options_.retry_first, milliseconds(1));
  for (; attempts > 0 && pause < options_.retry_longest; --attempts) pause *= 2;
  return std::min(pause, std::max(options_.retry_longest, options_.retry_first));
}

void Consumer::Impl::RunAcks() {
  internal::Backoff backoff(options_.backoff_first, options_.backoff_longest,
                            std::random_device{}());
  int64_t subscription_id = 0;
  while (const auto ack = TakeAck(&subscription_id)) {
    const grpc::StatusCode code = Send(subscription_id, *ack);
    // NOT_FOUND says that the stream has ended: what is not acknowledged comes again.
    const bool again = IsWorthAnother(code);
    {
      MutexLock lock(&mu_);
      is_acking_ = false;
      if (ack_log_.subscription_id() == subscription_id) ack_log_.Settled(*ack, !again);
      acks_.NotifyAll();
    }
    if (again) {
      Pause(subscription_id, backoff.Next());
    } else {
      backoff.Reset();
    }
  }
}

std::optional<internal::AckLog::Ack> Consumer::Impl::TakeAck(int64_t* subscription_id) {
  MutexLock lock(&mu_);
  while (!is_over_ && !ack_log_.HasNews()) acks_.Wait(&mu_);
  if (is_over_) return std::nullopt;
  is_acking_ = true;
  *subscription_id = ack_log_.subscription_id();
  return ack_log_.Take();
}

grpc::StatusCode Consumer::Impl::Send(int64_t subscription_id, const internal::AckLog::Ack& ack) {
  v1::AckEventsRequest request;
  request.set_subscription_id(subscription_id);
  request.set_up_to(ack.up_to);
  request.mutable_sequences()->Add(ack.sequences.begin(), ack.sequences.end());
  grpc::ClientContext context;
  connection_->Authorize(&context);
  context.set_deadline(std::chrono::system_clock::now() + kAckTimeout);
  {
    MutexLock lock(&mu_);
    if (is_over_) return grpc::StatusCode::CANCELLED;
    ack_context_ = &context;
  }
  v1::AckEventsResponse response;
  const grpc::StatusCode code =
      connection_->stub->AckEvents(&context, request, &response).error_code();
  MutexLock lock(&mu_);
  ack_context_ = nullptr;
  return code;
}

void Consumer::Impl::Pause(int64_t subscription_id, milliseconds delay) {
  const auto until = steady_clock::now() + delay;
  MutexLock lock(&mu_);
  while (!is_over_ && ack_log_.subscription_id() == subscription_id) {
    if (!acks_.WaitUntil(&mu_, until)) return;
  }
}

void Consumer::Impl::WaitForLastAcks() {
  const auto until = steady_clock::now() + kLastAcks;
  MutexLock lock(&mu_);
  while (ack_log_.HasNews() || is_acking_) {
    if (!acks_.WaitUntil(&mu_, until)) return;
  }
}

void Consumer::Impl::Stop() {
  MutexLock stop_lock(&stop_mu_);
  {
    MutexLock lock(&mu_);
    is_stopping_ = true;
    work_.NotifyAll();
  }
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
  // The stream has to live until they have arrived.
  WaitForLastAcks();
  {
    MutexLock lock(&mu_);
    is_over_ = true;
    if (ack_context_ != nullptr) ack_context_->TryCancel();
    acks_.NotifyAll();
  }
  subscription_->Stop();
  if (acker_.joinable()) acker_.join();
}

size_t Consumer::Impl::unacked() const {
  MutexLock lock(&mu_);
  return ack_log_.unacked();
}

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::~Consumer() = default;
void Consumer::Stop() {
  impl_->Stop();
}
bool Consumer::WaitForEnd(milliseconds at_most) {
  return impl_->subscription().WaitForEnd(at_most);
}
std::optional<Status> Consumer::status() const {
  return impl_->subscription().status();
}
uint64_t Consumer::lag() const {
  return impl_->subscription().lag();
}
std::optional<Cursor> Consumer::cursor() const {
  return impl_->subscription().cursor();
}
size_t Consumer::unacked() const {
  return impl_->unacked();
}
uint64_t Consumer::handled() const {
  return impl_->handled();
}

}  // namespace longwire::client
