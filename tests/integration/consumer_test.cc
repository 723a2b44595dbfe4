// The C++ library's Consumer against a real gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "longwire/client.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using client::Consumer;
using client::ConsumerHandlers;
using client::ConsumerOptions;
using client::HandleResult;

// What handlers were called with.
class Log {
 public:
  void Add(const v1::Event& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::vector<v1::Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  size_t size() const { return events().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<v1::Event> events_;  // Guarded by mutex_.
};

class ConsumerTest : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
    client_ = std::make_unique<client::Client>(
        client::ClientOptions{.address = gateway().gateway().endpoints().grpc});
  }
  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/?uid=" + uid)); }
  static ConsumerOptions Workers() {
    return {.group = "workers", .start_at = v1::START_AT_EARLIEST};
  }
  ConsumerHandlers HandleInto(Log& log) {
    return {.on_event = [&log](const v1::Event& event) {
      log.Add(event);
      return HandleResult::kDone;
    }};
  }
  ::testing::AssertionResult Handles(const Log& log, size_t events) {
    return EventuallySees([&] { return log.size(); }, events);
  }

  std::unique_ptr<client::Client> client_;
};

TEST_F(ConsumerTest, HandlesAndAcknowledgesEverything) {
  Log log;
  const auto consumer = client_->Consume(Workers(), HandleInto(log));
  for (int i = 0; i < 50; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(Handles(log, 50));
  EXPECT_TRUE(EventuallySees([&] { return consumer->unacked(); }, 0u));
  EXPECT_TRUE(EventuallySees([&] { return consumer->lag(); }, 0u));
  EXPECT_EQ(consumer->handled(), 50u);
  EXPECT_FALSE(consumer->status());
}

TEST_F(ConsumerTest, AStopInOrderMakesNothingComeAgain) {
  Log first_log, second_log;
  auto first = client_->Consume(Workers(), HandleInto(first_log));
  for (int i = 0; i < 30; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(EventuallySees([&] { return first_log.size(); }, ::testing::Gt(10u)));
  first->Stop();
  EXPECT_TRUE(first->status()->ok());
  const size_t handled = first_log.size();
  const auto second = client_->Consume(Workers(), HandleInto(second_log));
  JoinAs("last");
  ASSERT_TRUE(Handles(second_log, 31 - handled));
  std::set<uint64_t> all;
  for (const Log* log : {&first_log, &second_log}) {
    for (const v1::Event& event : log->events()) {
      EXPECT_TRUE(all.insert(event.sequence()).second) << event.sequence() << " came again";
    }
  }
  EXPECT_EQ(all.size(), 31u);
}

TEST_F(ConsumerTest, WorkersHandleDifferentUsersAtOnceAndOneUserInOrder) {
  std::mutex mutex;
  std::map<std::string, uint64_t> last;
  std::set<std::string> busy;
  std::atomic<size_t> handled{0};
  ConsumerOptions options = Workers();
  options.workers = 4;
  const auto consumer = client_->Consume(options, {.on_event = [&](const v1::Event& event) {
                                           {
                                             const std::lock_guard lock(mutex);
                                             EXPECT_TRUE(busy.insert(event.uid()).second)
                                                 << "two at a time";
                                             EXPECT_GT(event.sequence(), last[event.uid()]);
                                             last[event.uid()] = event.sequence();
                                           }
                                           std::this_thread::yield();
                                           const std::lock_guard lock(mutex);
                                           busy.erase(event.uid());
                                           ++handled;
                                           return HandleResult::kDone;
                                         }});
  std::vector<Peer*> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(&JoinAs("u" + std::to_string(i)));
  for (int n = 0; n < 50; ++n) {
    for (Peer* peer : peers) peer->ws.SendText(std::to_string(n));
  }
  ASSERT_TRUE(EventuallySees([&] { return handled.load(); }, 510u));
  EXPECT_TRUE(EventuallySees([&] { return consumer->unacked(); }, 0u));
}

TEST_F(ConsumerTest, ARetryComesAgainBeforeWhatFollows) {
  Log log;
  std::atomic<int> refusals{3};
  ConsumerOptions options = Workers();
  options.retry_first = Millis(1);
  const auto consumer =
      client_->Consume(options, {.on_event = [&](const v1::Event& event) {
                         log.Add(event);
                         const bool refuse = event.has_routed() && refusals-- > 0;
                         return refuse ? HandleResult::kRetry : HandleResult::kDone;
                       }});
  Peer& alice = JoinAs("alice");
  alice.ws.SendText("one");
  alice.ws.SendText("two");
  ASSERT_TRUE(Handles(log, 6));
  std::vector<std::string> texts;
  for (const v1::Event& event : log.events()) {
    if (event.has_routed()) texts.push_back(event.routed().message().text());
  }
  EXPECT_THAT(texts, ::testing::ElementsAre("one", "one", "one", "one", "two"));
  EXPECT_TRUE(EventuallySees([&] { return consumer->unacked(); }, 0u));
  EXPECT_EQ(consumer->handled(), 3u);
}

TEST_F(ConsumerTest, AHandlerThatHangsIsCutOffComesBackAndTheEventComesAgain) {
  std::atomic<bool> hangs{true};
  std::atomic<int> expired{0}, connected{0};
  Log log;
  ConsumerOptions options = Workers();
  options.ack_timeout = Millis(1000);
  const auto consumer = client_->Consume(
      options, {.on_event =
                    [&](const v1::Event& event) {
                      log.Add(event);
                      EXPECT_TRUE(EventuallySees([&] { return hangs.load(); }, false));
                      return HandleResult::kDone;
                    },
                .on_connected = [&](int64_t) { ++connected; },
                .on_disconnected =
                    [&](const client::Status& status, Millis) {
                      EXPECT_EQ(status.code, grpc::StatusCode::ABORTED);
                      EXPECT_EQ(status.reason, "MEMBER_EXPIRED");
                      ++expired;
                      hangs = false;
                    }});
  JoinAs("alice");
  ASSERT_TRUE(EventuallySees([&] { return expired.load(); }, 1));
  ASSERT_TRUE(EventuallySees([&] { return connected.load(); }, 2));
  ASSERT_TRUE(Handles(log, 2));
  EXPECT_EQ(log.events()[0].sequence(), log.events()[1].sequence());
  EXPECT_TRUE(EventuallySees([&] { return consumer->lag(); }, 0u));
}

TEST_F(ConsumerTest, IsToldOfARestartAndGoesOn) {
  Options options = TestGateway::QuickOptions();
  auto first = std::make_unique<TestGateway>(options);
  options.grpc_listen = first->gateway().endpoints().grpc;
  const client::Client client({.address = options.grpc_listen});
  Log log;
  std::atomic<int> restarts{0};
  ConsumerHandlers handlers = HandleInto(log);
  handlers.on_gap = [&](const v1::Gap& gap) {
    EXPECT_EQ(gap.reason(), v1::GAP_REASON_RESTART);
    ++restarts;
  };
  const auto consumer = client.Consume(Workers(), handlers);
  WsClient before, after;
  ASSERT_EQ(before.Open(first->ws()).status, 101);
  ASSERT_TRUE(Handles(log, 1));
  first.reset();
  TestGateway second(options);
  ASSERT_EQ(after.Open(second.ws()).status, 101);
  ASSERT_TRUE(Handles(log, 2));
  EXPECT_EQ(restarts, 1);
  EXPECT_NE(log.events()[0].session_id(), log.events()[1].session_id());
  EXPECT_TRUE(EventuallySees([&] { return consumer->unacked(); }, 0u));
}

TEST_F(ConsumerTest, TwoConsumersShareTheUsers) {
  Log one, two;
  const auto first = client_->Consume(Workers(), HandleInto(one));
  const auto second = client_->Consume(Workers(), HandleInto(two));
  for (int i = 0; i < 100; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(EventuallySees([&] { return one.size() + two.size(); }, 100u));
  EXPECT_GT(one.size(), 0u);
  EXPECT_GT(two.size(), 0u);
}

TEST_F(ConsumerTest, WhatNoRetryCanBetterEndsIt) {
  for (const std::string& name : {std::string(), std::string("no good")}) {
    ConsumerOptions options = Workers();
    options.group = name;
    Log log;
    const auto consumer = client_->Consume(options, HandleInto(log));
    ASSERT_TRUE(consumer->WaitForEnd(kPatience));
    EXPECT_EQ(consumer->status()->reason, "BAD_GROUP_NAME");
  }
}

TEST_F(ConsumerTest, APlainSubscriptionMayAcknowledgeItself) {
  client::SubscriptionOptions options;
  options.start_at = v1::START_AT_EARLIEST;
  options.manual_ack = true;
  options.unacked_events_max = 1;
  Log log;
  std::atomic<int64_t> id{0};
  const auto subscription = client_->Subscribe(
      options,
      {.on_event = [&](const v1::Event& event) { log.Add(event); },
       .on_connected = [&](int64_t subscription_id, const std::string&) { id = subscription_id; }});
  JoinAs("alice");
  JoinAs("bob");
  ASSERT_TRUE(Handles(log, 1));
  EXPECT_TRUE(client_->Ack(id, {log.events()[0].sequence()}).ok());
  ASSERT_TRUE(Handles(log, 2));
  EXPECT_EQ(client_->Ack(id, {99}).reason, "ACK_INVALID");
  subscription->Stop();
  EXPECT_TRUE(EventuallySees([&] { return client_->Ack(id, {1}).reason; },
                             ::testing::Eq("SUBSCRIPTION_GONE")));
}

}  // namespace
}  // namespace longwire::test
