#include "longwire/route_stream.h"

#include <algorithm>
#include <random>
#include <utility>

#include "route_check.h"
#include "route_stream_impl.h"
#include "status_of.h"

namespace longwire::client {

using internal::MutexLock;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How often a wait for the gateway looks whether it still makes sense.
constexpr milliseconds kConnectSliceMillis{100};
constexpr milliseconds kBackoffFirst{100};
constexpr milliseconds kBackoffLongest{5000};
// A stream that lived so long was a good one, also if nothing was sent on it.
constexpr milliseconds kGoodStreamMillis{5000};

Status NotSent(grpc::StatusCode code, std::string why) {
  return {.code = code,
          .reason = std::string(kReasonNotSent),
          .text = std::move(why) + ": not delivered"};
}

Status Broken(const Status& cause) {
  return {
      .code = grpc::StatusCode::UNAVAILABLE,
      .reason = std::string(kReasonStreamBroken),
      .text = "the stream broke (" + cause.ToString() + "): it may or may not have been delivered"};
}

}  // namespace

RouteStream::Impl::Impl(std::shared_ptr<const internal::Connection> connection,
                        const RouteStreamOptions& options)
    : connection_(std::move(connection)),
      options_(options),
      backoff_(kBackoffFirst, kBackoffLongest, std::random_device{}()),
      queue_(options),
      thread_([this] { Run(); }) {}

RouteStream::Impl::~Impl() {
  Close(milliseconds(0));
}

SendResult RouteStream::Impl::Send(const Target& target, v1::Message message,
                                   AnswerHandler on_answer) {
  v1::RouteRequest route;
  target.ApplyTo(&route);
  *route.mutable_message() = std::move(message);
  if (!internal::WhyInvalid(route).empty()) return SendResult::kInvalid;
  const size_t bytes = route.ByteSizeLong();
  if (bytes + internal::kRouteOverheadBytes > internal::kBatchBytesMax) return SendResult::kInvalid;

  MutexLock lock(&mu_);
  if (closed_) return SendResult::kClosed;
  if (!queue_.HasRoom(bytes)) return SendResult::kFull;
  queue_.Add(std::move(route), bytes, std::move(on_answer), steady_clock::now());
  ++stats_.queued;
  if (queue_.CanTakeBatch()) writable_.NotifyOne();
  return SendResult::kQueued;
}

bool RouteStream::Impl::WaitForRoom(milliseconds at_most) {
  const auto until = steady_clock::now() + at_most;
  MutexLock lock(&mu_);
  while (!closed_ && !queue_.HasRoom(0)) {
    if (!answered_.WaitUntil(&mu_, until)) break;
  }
  return !closed_ && queue_.HasRoom(0);
}

bool RouteStream::Impl::Flush(milliseconds at_most) {
  const auto until = steady_clock::now() + at_most;
  MutexLock lock(&mu_);
  const uint64_t last = queue_.Seal();
  while (!queue_.IsDoneUpTo(last)) {
    if (!answered_.WaitUntil(&mu_, until)) return queue_.IsDoneUpTo(last);
  }
  return true;
}

void RouteStream::Impl::Close(milliseconds at_most) {
  const auto until = steady_clock::now() + at_most;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    writable_.NotifyAll();
    answered_.NotifyAll();
    while (!ended_ && at_most.count() > 0) {
      if (!answered_.WaitUntil(&mu_, until)) break;
    }
    cut_ = true;
    if (context_ != nullptr) context_->TryCancel();
    writable_.NotifyAll();
  }
  MutexLock lock(&join_mu_);
  if (thread_.joinable()) thread_.join();
}

Status RouteStream::Impl::status() const {
  MutexLock lock(&mu_);
  return status_;
}

RouteStream::Stats RouteStream::Impl::stats() const {
  MutexLock lock(&mu_);
  return stats_;
}

void RouteStream::Impl::Run() {
  Status final_status;
  while (WaitForGateway()) {
    const auto began = steady_clock::now();
    const Status status = UseOneStream();
    std::vector<internal::RouteHandlers> lost;
    bool proven;
    {
      MutexLock lock(&mu_);
      lost = queue_.TakeInFlight();
      proven = proven_ || steady_clock::now() - began > kGoodStreamMillis;
      if (!IsOver()) ++stats_.reconnects;
    }
    AnswerAll(std::move(lost), Broken(status));
    // A bad batch is answered by route; only these say that no stream will ever do.
    if (status.code != grpc::StatusCode::INVALID_ARGUMENT &&
        status.code != grpc::StatusCode::OUT_OF_RANGE && internal::IsFinal(status.code)) {
      final_status = status;
      break;
    }
    if (proven) backoff_.Reset();
    if (!Sleep(backoff_.Next())) break;
  }

  std::vector<internal::RouteHandlers> waiting;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    status_ = final_status;
    waiting = queue_.TakeWaitingSince(steady_clock::time_point::max());
  }
  AnswerAll(std::move(waiting), final_status.ok()
                                    ? NotSent(grpc::StatusCode::CANCELLED, "the stream was closed")
                                    : final_status);
  MutexLock lock(&mu_);
  ended_ = true;
  answered_.NotifyAll();
}

bool RouteStream::Impl::WaitForGateway() {
  while (true) {
    std::vector<internal::RouteHandlers> expired;
    {
      MutexLock lock(&mu_);
      if (IsOver()) return false;
      expired = queue_.TakeWaitingSince(steady_clock::now() - options_.waiting_max);
    }
    AnswerAll(std::move(expired),
              NotSent(grpc::StatusCode::UNAVAILABLE,
                      "the gateway at " + connection_->address + " could not be reached in time"));
    // A route goes onto a stream only once the channel stands: what never left this process can
    // then be told apart from what may have been delivered.
    if (connection_->WaitForConnected(kConnectSliceMillis)) return true;
  }
}

Status RouteStream::Impl::UseOneStream() {
  grpc::ClientContext context;
  connection_->Authorize(&context);
  {
    MutexLock lock(&mu_);
    if (cut_) return {};
    context_ = &context;
    broken_ = false;
    proven_ = false;
  }
  const auto stream = connection_->stub->RouteStream(&context);
  std::thread reader([this, &stream] { Read(stream.get()); });
  Write(stream.get());
  reader.join();
  const grpc::Status status = stream->Finish();
  {
    MutexLock lock(&mu_);
    context_ = nullptr;
  }
  if (status.ok()) return {.code = grpc::StatusCode::UNAVAILABLE, .text = "the stream ended"};
  return internal::StatusOf(status, context);
}

void RouteStream::Impl::Write(Stream* stream) {
  while (true) {
    v1::RouteStreamRequest request;
    {
      MutexLock lock(&mu_);
      while (!broken_ && !IsOver() && !queue_.CanTakeBatch()) writable_.Wait(&mu_);
      if (broken_ || IsOver()) break;
      request = queue_.TakeBatch();
      ++stats_.batches;
    }
    if (!stream->Write(request)) break;
  }
  stream->WritesDone();
}

void RouteStream::Impl::Read(Stream* stream) {
  v1::RouteStreamResponse response;
  while (stream->Read(&response)) HandleResponse(response);
  MutexLock lock(&mu_);
  broken_ = true;
  writable_.NotifyAll();
}

void RouteStream::Impl::HandleResponse(const v1::RouteStreamResponse& response) {
  std::optional<internal::RouteHandlers> batch;
  {
    MutexLock lock(&mu_);
    proven_ = true;
    batch = queue_.TakeAnswered(response.batch_id());
    if (queue_.CanTakeBatch()) writable_.NotifyOne();
  }
  if (!batch) return;
  auto& handlers = batch->handlers;
  uint64_t failed = 0;
  for (const v1::RouteFailure& failure : response.failures()) {
    if (failure.index() >= handlers.size()) continue;
    ++failed;
    AnswerHandler handler = std::exchange(handlers[failure.index()], nullptr);
    if (!handler) continue;
    handler(internal::MakeStatus(static_cast<grpc::StatusCode>(failure.code()), failure.detail(),
                                 failure.reason()));
  }
  const Status ok;
  for (const AnswerHandler& handler : handlers) {
    if (handler) handler(ok);
  }
  FinishBatch(batch->batch_id, handlers.size() - std::min<uint64_t>(failed, handlers.size()),
              failed);
}

void RouteStream::Impl::AnswerAll(std::vector<internal::RouteHandlers> batches,
                                  const Status& status) {
  for (const internal::RouteHandlers& batch : batches) {
    for (const AnswerHandler& handler : batch.handlers) {
      if (handler) handler(status);
    }
    FinishBatch(batch.batch_id, 0, batch.handlers.size());
  }
}

void RouteStream::Impl::FinishBatch(uint64_t batch_id, uint64_t accepted, uint64_t failed) {
  MutexLock lock(&mu_);
  stats_.accepted += accepted;
  stats_.failed += failed;
  queue_.Done(batch_id);
  answered_.NotifyAll();
  if (IsOver()) writable_.NotifyAll();
}

bool RouteStream::Impl::IsOver() const {
  return cut_ || (closed_ && queue_.empty());
}

bool RouteStream::Impl::Sleep(milliseconds delay) {
  const auto until = steady_clock::now() + delay;
  MutexLock lock(&mu_);
  while (!IsOver()) {
    if (!writable_.WaitUntil(&mu_, until)) return true;
  }
  return false;
}

RouteStream::RouteStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RouteStream::~RouteStream() = default;
SendResult RouteStream::Send(const Target& target, v1::Message message, AnswerHandler on_answer) {
  return impl_->Send(target, std::move(message), std::move(on_answer));
}
bool RouteStream::WaitForRoom(milliseconds at_most) {
  return impl_->WaitForRoom(at_most);
}
bool RouteStream::Flush(milliseconds at_most) {
  return impl_->Flush(at_most);
}
void RouteStream::Close(milliseconds at_most) {
  impl_->Close(at_most);
}
Status RouteStream::status() const {
  return impl_->status();
}
RouteStream::Stats RouteStream::stats() const {
  return impl_->stats();
}

}  // namespace longwire::client
