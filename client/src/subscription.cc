#include "longwire/subscription.h"

#include <random>

#include "status_of.h"
#include "subscription_impl.h"

namespace longwire::client {

using internal::MutexLock;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How long an attempt waits for the channel, and how often meanwhile it looks for a Stop.
constexpr milliseconds kReconnectMillis{2000};
constexpr milliseconds kConnectSliceMillis{100};

}  // namespace

Subscription::Impl::Impl(std::shared_ptr<const internal::Connection> connection,
                         SubscriptionOptions options, SubscriptionHandlers handlers)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      backoff_(options_.backoff_first, options_.backoff_longest, std::random_device{}()),
      position_(options_),
      thread_([this] { Run(); }) {}

Subscription::Impl::~Impl() {
  Stop();
}

void Subscription::Impl::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
    changed_.NotifyAll();
  }
  // A handler that asks for the end cannot wait for its own return.
  if (std::this_thread::get_id() == runner_) return;
  MutexLock lock(&join_mu_);
  if (thread_.joinable()) thread_.join();
}

bool Subscription::Impl::WaitForEnd(milliseconds at_most) {
  const auto until = steady_clock::now() + at_most;
  MutexLock lock(&mu_);
  while (!ended_) {
    if (!changed_.WaitUntil(&mu_, until)) return ended_;
  }
  return true;
}

std::optional<Status> Subscription::Impl::status() const {
  MutexLock lock(&mu_);
  return status_;
}

std::optional<Cursor> Subscription::Impl::cursor() const {
  MutexLock lock(&mu_);
  return position_.cursor();
}

uint64_t Subscription::Impl::lag() const {
  MutexLock lock(&mu_);
  return position_.lag();
}

void Subscription::Impl::Run() {
  runner_ = std::this_thread::get_id();
  while (!stopping_) {
    connected_ = false;
    const Status status = ReadOneStream();
    if (stopping_) break;
    if (internal::IsFinal(status.code)) return End(status);
    if (connected_) backoff_.Reset();
    // A member that was too slow has nothing to wait for: others have its events.
    const bool at_once = connected_ && status.code == grpc::StatusCode::ABORTED;
    const milliseconds delay = at_once ? milliseconds(0) : backoff_.Next();
    if (handlers_.on_disconnected) handlers_.on_disconnected(status, delay);
    if (!WaitToRetry(delay)) break;
  }
  End({});
}

Status Subscription::Impl::ReadOneStream() {
  grpc::ClientContext context;
  connection_->Authorize(&context);
  {
    MutexLock lock(&mu_);
    if (stopping_) return {};
    context_ = &context;
  }
  const auto stream = connection_->stub->SubscribeEvents(&context, MakeRequest());
  v1::SubscribeEventsResponse response;
  while (!stopping_ && stream->Read(&response)) HandleResponse(response);
  if (stopping_) context.TryCancel();
  const grpc::Status status = stream->Finish();
  {
    MutexLock lock(&mu_);
    context_ = nullptr;
  }
  if (status.ok()) return {.code = grpc::StatusCode::UNAVAILABLE, .text = "the stream ended"};
  return internal::StatusOf(status, context);
}

v1::SubscribeEventsRequest Subscription::Impl::MakeRequest() {
  v1::SubscribeEventsRequest request;
  request.set_consumer_group(options_.consumer_group);
  for (const v1::EventType type : options_.types) request.add_types(type);
  request.set_manual_ack(options_.manual_ack);
  request.set_unacked_events_max(options_.unacked_events_max);
  if (const auto millis = options_.ack_timeout.count(); millis > 0) {
    request.mutable_ack_timeout()->set_seconds(millis / 1000);
    request.mutable_ack_timeout()->set_nanos(static_cast<int32_t>(millis % 1000) * 1'000'000);
  }
  request.set_include_silent(options_.include_silent);
  MutexLock lock(&mu_);
  position_.OpenStream(&request);
  return request;
}

void Subscription::Impl::HandleResponse(const v1::SubscribeEventsResponse& response) {
  {
    MutexLock lock(&mu_);
    position_.BeginResponse(response);
  }
  if (!connected_) {
    connected_ = true;
    if (handlers_.on_connected) {
      handlers_.on_connected(response.subscription_id(), response.log_id());
    }
  }
  if (response.has_gap() && handlers_.on_gap) handlers_.on_gap(response.gap());

  bool snapshot_done = response.snapshot_done();
  for (const v1::Event& event : response.events()) {
    if (stopping_) return;
    // Live events may share the response in which the snapshot ends.
    if (snapshot_done && !event.snapshot()) {
      HandleSnapshotDone();
      snapshot_done = false;
    }
    if (handlers_.on_event) handlers_.on_event(event);
    MutexLock lock(&mu_);
    position_.Handled(event);
  }
  if (stopping_) return;
  if (snapshot_done) HandleSnapshotDone();
  MutexLock lock(&mu_);
  position_.EndResponse(response);
}

void Subscription::Impl::HandleSnapshotDone() {
  if (handlers_.on_snapshot_done) handlers_.on_snapshot_done();
  MutexLock lock(&mu_);
  position_.SnapshotDone();
}

bool Subscription::Impl::WaitToRetry(milliseconds delay) {
  if (!Sleep(delay)) return false;
  // A gateway that is up is reached within this; one that is not has the attempt say why.
  const auto until = steady_clock::now() + kReconnectMillis;
  while (!stopping_ && steady_clock::now() < until) {
    if (connection_->WaitForConnected(kConnectSliceMillis)) break;
  }
  return !stopping_;
}

bool Subscription::Impl::Sleep(milliseconds delay) {
  const auto until = steady_clock::now() + delay;
  MutexLock lock(&mu_);
  while (!stopping_) {
    if (!changed_.WaitUntil(&mu_, until)) return true;
  }
  return false;
}

void Subscription::Impl::End(Status status) {
  {
    MutexLock lock(&mu_);
    status_ = status;
  }
  if (handlers_.on_end) handlers_.on_end(status);
  MutexLock lock(&mu_);
  ended_ = true;
  changed_.NotifyAll();
}

Subscription::Subscription(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscription::~Subscription() = default;
void Subscription::Stop() {
  impl_->Stop();
}
bool Subscription::WaitForEnd(milliseconds at_most) {
  return impl_->WaitForEnd(at_most);
}
std::optional<Status> Subscription::status() const {
  return impl_->status();
}
std::optional<Cursor> Subscription::cursor() const {
  return impl_->cursor();
}
uint64_t Subscription::lag() const {
  return impl_->lag();
}

}  // namespace longwire::client
