// What a Consumer does when acknowledgements fail. With a real gateway it is tested in
// tests/integration/consumer_test.cc.
#include "longwire/consumer.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "longwire/client.h"
#include "tests/support/eventually.h"

namespace longwire::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kSubscription = 4711;

// A gateway whose stream brings events when it is told to, and whose answers to acknowledgements
// are written beforehand.
class ScriptedGateway final : public v1::Gateway::Service {
 public:
  ScriptedGateway() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedGateway() override {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void Send(const std::vector<uint64_t>& sequences) {
    const std::lock_guard lock(mutex_);
    v1::SubscribeEventsResponse& response = responses_.emplace_back();
    for (const uint64_t sequence : sequences) {
      v1::Event& event = *response.add_events();
      event.set_sequence(sequence);
      event.set_uid("u" + std::to_string(sequence));
    }
    changed_.notify_all();
  }
  // The answers to the next acknowledgements; behind them all is OK.
  void AnswerWith(std::vector<grpc::StatusCode> codes) {
    const std::lock_guard lock(mutex_);
    codes_.assign(codes.begin(), codes.end());
  }
  // Acknowledgements are not answered until they are let go.
  void HoldAcks(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_acks_ = hold;
    changed_.notify_all();
  }
  // Waits for so many acknowledgements, and returns those that have come.
  std::vector<v1::AckEventsRequest> WaitForAcks(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, test::kPatience, [&] { return acks_.size() >= count; }));
    return acks_;
  }

  grpc::Status SubscribeEvents(grpc::ServerContext* context, const v1::SubscribeEventsRequest*,
                               grpc::ServerWriter<v1::SubscribeEventsResponse>* writer) override {
    v1::SubscribeEventsResponse first;
    first.set_subscription_id(kSubscription);
    first.set_log_id("log");
    writer->Write(first);
    std::unique_lock lock(mutex_);
    while (!context->IsCancelled()) {
      if (responses_.empty()) {
        changed_.wait_for(lock, std::chrono::milliseconds(10));
        continue;
      }
      v1::SubscribeEventsResponse response = std::move(responses_.front());
      responses_.pop_front();
      response.set_subscription_id(kSubscription);
      response.set_log_id("log");
      lock.unlock();
      writer->Write(response);
      lock.lock();
    }
    return grpc::Status::OK;
  }

  grpc::Status AckEvents(grpc::ServerContext* context, const v1::AckEventsRequest* request,
                         v1::AckEventsResponse*) override {
    std::unique_lock lock(mutex_);
    acks_.push_back(*request);
    changed_.notify_all();
    while (hold_acks_ && !context->IsCancelled()) {
      changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    if (codes_.empty()) return grpc::Status::OK;
    const grpc::StatusCode code = codes_.front();
    codes_.pop_front();
    return code == grpc::StatusCode::OK ? grpc::Status::OK : grpc::Status(code, "as written");
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::SubscribeEventsResponse> responses_;  // Guarded by mutex_.
  std::deque<grpc::StatusCode> codes_;                 // Guarded by mutex_.
  std::vector<v1::AckEventsRequest> acks_;             // Guarded by mutex_.
  bool hold_acks_ = false;                             // Guarded by mutex_.
};

class ScriptedConsumerTest : public testing::Test {
 protected:
  std::unique_ptr<Consumer> Consume() {
    return client_.Consume({.group = "workers",
                            .backoff_first = std::chrono::milliseconds(1),
                            .backoff_longest = std::chrono::milliseconds(2)},
                           {.on_event = [](const v1::Event&) { return HandleResult::kDone; }});
  }
  static testing::AssertionResult IsIdle(const Consumer& consumer, uint64_t handled) {
    return test::Eventually(
        test::kPatience, [&] { return consumer.handled() == handled && consumer.unacked() == 0; },
        [&] {
          return std::to_string(consumer.handled()) + " handled, " +
                 std::to_string(consumer.unacked()) + " unacknowledged";
        });
  }

  ScriptedGateway gateway_;
  Client client_{{.address = gateway_.address()}};
};

TEST_F(ScriptedConsumerTest, AnAcknowledgementThatMayNotHaveArrivedIsSentAgain) {
  gateway_.AnswerWith({grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::INTERNAL,
                       grpc::StatusCode::RESOURCE_EXHAUSTED});
  const auto consumer = Consume();
  gateway_.Send({7});
  const auto acks = gateway_.WaitForAcks(4);
  for (const v1::AckEventsRequest& ack : acks) {
    EXPECT_EQ(ack.subscription_id(), kSubscription);
    EXPECT_EQ(ack.up_to(), 7u);
  }
  EXPECT_TRUE(test::EventuallySees([&] { return consumer->unacked(); }, testing::Eq(0u)));
}

TEST_F(ScriptedConsumerTest, OneOfAStreamThatHasEndedIsDropped) {
  gateway_.AnswerWith({grpc::StatusCode::NOT_FOUND});
  const auto consumer = Consume();
  gateway_.Send({7});
  EXPECT_TRUE(IsIdle(*consumer, 1));
  gateway_.Send({9});
  EXPECT_EQ(gateway_.WaitForAcks(2)[1].up_to(), 9u) << "7 was not sent again";
}

TEST_F(ScriptedConsumerTest, WhatIsDoneWhileOneIsUnderWayGoesIntoTheNext) {
  gateway_.HoldAcks(true);
  const auto consumer = Consume();
  gateway_.Send({20});
  gateway_.WaitForAcks(1);
  gateway_.Send({3, 4, 5});
  gateway_.Send({21, 22});
  EXPECT_TRUE(test::EventuallySees([&] { return consumer->handled(); }, testing::Eq(6u)));
  gateway_.HoldAcks(false);
  const auto acks = gateway_.WaitForAcks(2);
  EXPECT_EQ(acks[0].up_to(), 20u);
  EXPECT_EQ(acks[1].up_to(), 22u) << "one for all five";
  EXPECT_THAT(acks[1].sequences(), IsEmpty());
  EXPECT_TRUE(test::EventuallySees([&] { return consumer->unacked(); }, testing::Eq(0u)));
  EXPECT_EQ(gateway_.WaitForAcks(0).size(), 2u);
}

TEST_F(ScriptedConsumerTest, StopWaitsForTheLastAcknowledgementButNotForEver) {
  auto consumer = Consume();
  gateway_.Send({1});
  gateway_.WaitForAcks(1);
  gateway_.HoldAcks(true);
  gateway_.Send({2});
  gateway_.WaitForAcks(2);
  consumer->Stop();
  EXPECT_EQ(consumer->handled(), 2u);
  EXPECT_TRUE(consumer->status()->ok());
}

}  // namespace
}  // namespace longwire::client
