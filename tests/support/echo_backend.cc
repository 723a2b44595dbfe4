#include "tests/support/echo_backend.h"

#include <gtest/gtest.h>

namespace longwire::test {

EchoBackend::EchoBackend(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(v1::Gateway::NewStub(channel)) {
  v1::SubscribeEventsRequest request;
  request.add_types(v1::EVENT_TYPE_ROUTE);
  events_ = stub_->SubscribeEvents(&events_context_, request);
  routes_ = stub_->RouteStream(&routes_context_);
  v1::SubscribeEventsResponse first;
  EXPECT_TRUE(events_->Read(&first)) << "the echo backend could not subscribe";
  echoing_ = std::thread([this] { Echo(); });
  reading_answers_ = std::thread([this] { ReadAnswers(); });
}

EchoBackend::~EchoBackend() {
  events_context_.TryCancel();
  echoing_.join();
  routes_context_.TryCancel();
  reading_answers_.join();
  // Their statuses say only that both were cancelled.
  events_->Finish();
  routes_->Finish();
}

std::vector<std::string> EchoBackend::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void EchoBackend::Echo() {
  v1::SubscribeEventsResponse response;
  uint64_t batch_id = 0;
  while (events_->Read(&response)) {
    if (response.events().empty()) continue;
    v1::RouteStreamRequest batch;
    batch.set_batch_id(++batch_id);
    for (v1::Event& event : *response.mutable_events()) {
      v1::RouteRequest& route = *batch.add_routes();
      route.set_session_id(event.session_id());
      *route.mutable_message() = std::move(*event.mutable_routed()->mutable_message());
    }
    if (!routes_->Write(batch)) return;
  }
}

void EchoBackend::ReadAnswers() {
  v1::RouteStreamResponse response;
  while (routes_->Read(&response)) {
    const std::lock_guard lock(mutex_);
    for (const v1::RouteFailure& failure : response.failures()) {
      failures_.push_back(failure.reason());
    }
  }
}

}  // namespace longwire::test
