#include "tests/bench/load/grpc_calls.h"

#include <chrono>
#include <string>
#include <utility>

namespace longwire::bench {
namespace {

constexpr std::chrono::seconds kAwaitMax(10);

}  // namespace

void GrpcCalls::Route(const Push& push) {
  std::unique_ptr<RouteCall> call;
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
    if (!spare_.empty()) {
      call = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (call == nullptr) call = std::make_unique<RouteCall>();
  call->context = std::make_unique<grpc::ClientContext>();
  call->request.set_session_id(push.session_id);
  call->request.mutable_message()->set_text(push.payload.data(), push.payload.size());
  RouteCall* const made = call.release();
  stub_.async()->Route(made->context.get(), &made->request, &made->response,
                       [this, made](const grpc::Status& status) {
                         OnRouted(std::unique_ptr<RouteCall>(made), status);
                       });
}

void GrpcCalls::OnRouted(std::unique_ptr<RouteCall> call, const grpc::Status& status) {
  if (status.ok()) {
    answers_.Accept(1);
  } else {
    answers_.Refuse("code_" + std::to_string(status.error_code()), 1);
  }
  const std::lock_guard lock(mutex_);
  spare_.push_back(std::move(call));
  OneIsDone();
}

void GrpcCalls::Broadcast(std::string_view payload) {
  struct Call {
    grpc::ClientContext context;
    v1::BroadcastRequest request;
    v1::BroadcastResponse response;
  };
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  auto call = std::make_shared<Call>();
  call->request.set_everyone(true);
  call->request.mutable_message()->set_text(payload.data(), payload.size());
  stub_.async()->Broadcast(&call->context, &call->request, &call->response,
                           [this, call](const grpc::Status& status) {
                             if (!status.ok()) Die("Broadcast: " + status.error_message());
                             const std::lock_guard lock(mutex_);
                             OneIsDone();
                           });
}

void GrpcCalls::OneIsDone() {
  if (--under_way_ == 0) changed_.notify_all();
}

void GrpcCalls::AwaitAll() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kAwaitMax, [&] { return under_way_ == 0; })) {
    Die("calls are not answered");
  }
}

}  // namespace longwire::bench
