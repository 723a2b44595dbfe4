#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>

#include "longwire/v1/gateway.grpc.pb.h"
#include "tests/bench/load/backend.h"
#include "tests/bench/load/grpc_calls.h"
#include "tests/bench/load/live_sessions.h"
#include "tests/bench/load/push_answers.h"

namespace longwire::bench {
namespace {

using v1::Event;
using v1::RouteStreamRequest;
using v1::RouteStreamResponse;
using v1::SubscribeEventsRequest;
using v1::SubscribeEventsResponse;

// Keeps a request of echoes far below the contract's 4 MiB with small messages; what is beyond goes
// with the next one.
constexpr int kEchoesPerRequestMax = 512;
constexpr std::chrono::seconds kStartWaitMax(10);
constexpr std::chrono::seconds kEndWaitMax(5);

[[noreturn]] void DieOf(const char* call, const grpc::Status& status) {
  Die(std::string(call) + " ended: " + std::to_string(status.error_code()) + " " +
      status.error_message());
}

// One RouteStream. Routes are added to the request that is being filled while the one before is
// being written, so there are always at most two, and messages grow by themselves when the
// connection is the bottleneck.
class RouteStream final : public grpc::ClientBidiReactor<RouteStreamRequest, RouteStreamResponse> {
 public:
  RouteStream(v1::Gateway::Stub& stub, PushAnswers& answers) : answers_(answers) {
    stub.async()->RouteStream(&context_, this);
    StartRead(&response_);
    StartCall();
  }

  // Waits until what was added before is being written, then adds the batch as one request.
  void SendBatch(std::span<const Push> batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filling_->routes_size() == 0 || ending_; });
    if (ending_) return;
    for (const Push& push : batch) {
      v1::RouteRequest* const route = filling_->add_routes();
      route->set_session_id(push.session_id);
      route->mutable_message()->set_text(push.payload.data(), push.payload.size());
    }
    WriteIfIdle();
  }

  // Adds an answer to each message of a client in the response. Does not wait: how many there are
  // is bounded by what the clients have on their way.
  void Echo(SubscribeEventsResponse& response) {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    for (Event& event : *response.mutable_events()) {
      if (event.type() != v1::EVENT_TYPE_ROUTE) continue;
      v1::RouteRequest* const route = FillingForEcho().add_routes();
      route->set_session_id(event.session_id());
      route->mutable_message()->Swap(event.mutable_routed()->mutable_message());
    }
    WriteIfIdle();
  }

  // Ends the stream and waits for its end.
  void End() {
    std::unique_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
    context_.TryCancel();
    if (!changed_.wait_for(lock, kEndWaitMax, [&] { return done_; })) Die("RouteStream hangs");
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    answers_.Accept(response_.accepted_count());
    for (const v1::RouteFailure& failure : response_.failures()) {
      answers_.Refuse(failure.reason(), 1);
    }
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (ok && !ending_) WriteIfIdle();
  }

  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(mutex_);
    if (!ending_) DieOf("RouteStream", status);
    done_ = true;
    changed_.notify_all();
  }

 private:
  // The request to add the next echo to: the next one where this one is full.
  RouteStreamRequest& FillingForEcho() {
    if (filling_->routes_size() < kEchoesPerRequestMax) return *filling_;
    if (overflow_.empty() || overflow_.back()->routes_size() >= kEchoesPerRequestMax) {
      overflow_.push_back(std::make_unique<RouteStreamRequest>());
    }
    return *overflow_.back();
  }

  void WriteIfIdle() {
    if (writing_ || filling_->routes_size() == 0) return;
    writing_ = true;
    std::swap(filling_, written_);
    filling_->Clear();
    if (!overflow_.empty()) {
      filling_ = std::move(overflow_.front());
      overflow_.erase(overflow_.begin());
    }
    written_->set_batch_id(++last_batch_id_);
    StartWrite(written_.get());
    changed_.notify_all();
  }

  PushAnswers& answers_;
  grpc::ClientContext context_;
  // Only in OnReadDone().
  RouteStreamResponse response_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<RouteStreamRequest> filling_ = std::make_unique<RouteStreamRequest>();
  std::unique_ptr<RouteStreamRequest> written_ = std::make_unique<RouteStreamRequest>();
  std::vector<std::unique_ptr<RouteStreamRequest>> overflow_;
  uint64_t last_batch_id_ = 0;
  bool writing_ = false;
  bool ending_ = false;
  bool done_ = false;
};

// One SubscribeEvents. Each response is handed to `echo_to`, unless that is null.
class EventStream final : public grpc::ClientReadReactor<SubscribeEventsResponse> {
 public:
  EventStream(v1::Gateway::Stub& stub, RouteStream* echo_to) : echo_to_(echo_to) {
    request_.set_start_at(v1::START_AT_LATEST);
    stub.async()->SubscribeEvents(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  // Waits for the first response: from then on no event is missed.
  void WaitUntilStarted() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kStartWaitMax, [&] { return started_; })) {
      Die("SubscribeEvents: no first response");
    }
  }

  void End() {
    std::unique_lock lock(mutex_);
    ending_ = true;
    context_.TryCancel();
    if (!changed_.wait_for(lock, kEndWaitMax, [&] { return done_; })) Die("SubscribeEvents hangs");
  }

  std::vector<int64_t> Sessions() {
    const std::lock_guard lock(mutex_);
    return sessions_.list();
  }

  void FillIn(BackendCounts& counts) {
    const std::lock_guard lock(mutex_);
    counts.entered = entered_;
    counts.routed = routed_;
    counts.left = left_;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (response_.has_gap()) Die("SubscribeEvents: a Gap, although this subscriber keeps up");
    if (echo_to_ != nullptr && response_.events_size() != 0) echo_to_->Echo(response_);
    {
      const std::lock_guard lock(mutex_);
      for (const Event& event : response_.events()) Count(event);
      if (!started_) {
        started_ = true;
        changed_.notify_all();
      }
    }
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(mutex_);
    if (!ending_) DieOf("SubscribeEvents", status);
    done_ = true;
    changed_.notify_all();
  }

 private:
  void Count(const Event& event) {
    if (event.type() == v1::EVENT_TYPE_ROUTE) {
      ++routed_;
    } else if (event.type() == v1::EVENT_TYPE_ENTER) {
      sessions_.Enter(event.session_id());
      ++entered_;
    } else if (event.type() == v1::EVENT_TYPE_LEAVE) {
      sessions_.Leave(event.session_id());
      ++left_;
    }
  }

  RouteStream* const echo_to_;
  grpc::ClientContext context_;
  SubscribeEventsRequest request_;
  // Only in OnReadDone().
  SubscribeEventsResponse response_;

  std::mutex mutex_;
  std::condition_variable changed_;
  LiveSessions sessions_;
  uint64_t entered_ = 0;
  uint64_t routed_ = 0;
  uint64_t left_ = 0;
  bool started_ = false;
  bool ending_ = false;
  bool done_ = false;
};

class GrpcBackend final : public Backend {
 public:
  GrpcBackend(const std::string& address, GrpcPushes pushes)
      : stub_(
            v1::Gateway::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))),
        is_unary_(pushes == GrpcPushes::kUnary),
        calls_(*stub_, answers_),
        routes_(*stub_, answers_),
        events_(*stub_, pushes == GrpcPushes::kEcho ? &routes_ : nullptr) {
    events_.WaitUntilStarted();
  }

  ~GrpcBackend() override {
    // In this order, so that no event is echoed into an ended stream.
    events_.End();
    routes_.End();
    calls_.AwaitAll();
  }

  std::vector<int64_t> Sessions() override { return events_.Sessions(); }

  void Send(std::span<const Push> batch) override {
    if (!is_unary_) {
      routes_.SendBatch(batch);
      return;
    }
    for (const Push& push : batch) calls_.Route(push);
  }

  void Broadcast(std::string_view payload) override { calls_.Broadcast(payload); }

  BackendCounts Counts() override {
    BackendCounts counts;
    events_.FillIn(counts);
    answers_.FillIn(counts);
    return counts;
  }

  void OnRefused(std::function<void(uint64_t)> callback) override {
    answers_.OnRefused(std::move(callback));
  }

 private:
  const std::unique_ptr<v1::Gateway::Stub> stub_;
  const bool is_unary_;
  PushAnswers answers_;
  GrpcCalls calls_;
  RouteStream routes_;
  EventStream events_;
};

}  // namespace

std::unique_ptr<Backend> ConnectGrpcBackend(const std::string& address, GrpcPushes pushes) {
  return std::make_unique<GrpcBackend>(address, pushes);
}

}  // namespace longwire::bench
