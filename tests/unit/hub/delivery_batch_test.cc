#include "server/hub/delivery_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;
using testing::ElementsAre;

MessageView Text(std::string_view body) {
  return {MessageType::kText, body};
}

std::vector<std::string> Bodies(const FakeSession& session) {
  std::vector<std::string> bodies;
  for (const Message& message : session.delivered) bodies.push_back(message.body);
  return bodies;
}

// Sends the batch and waits until it is through.
void Deliver(std::shared_ptr<DeliveryBatch> batch) {
  absl::Notification done;
  DeliveryBatch::Send(std::move(batch), [&](DeliveryBatch&) { done.Notify(); });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
}

// What became of each tag. REQUIRES: a tag each.
std::map<uint32_t, Delivery> Results(const DeliveryBatch& batch) {
  std::map<uint32_t, Delivery> results;
  batch.ForEach([&](const DeliveryBatch::Item& item) {
    EXPECT_TRUE(results.emplace(item.tag, item.result).second);
  });
  return results;
}

TEST(DeliveryBatch, EachItemGetsTheAnswerOfItsSession) {
  TestHub hub(2);
  FakeSession& taking = hub.LogIn(0, "");
  FakeSession& full = hub.LogIn(1, "");
  FakeSession& total = hub.LogIn(1, "");
  FakeSession& gone = hub.LogIn(0, "");
  hub.On(0, [&] { gone.LoseConnection(); });
  hub.On(1, [&] {
    full.answer = Delivery::kFull;
    total.answer = Delivery::kTotalFull;
  });
  SnowflakeGenerator elsewhere(Clock::Real(), 1'704'067'200'000, TestHub::kNode + 1, 2);
  auto batch = std::make_shared<DeliveryBatch>(hub.hub());
  batch->Add(taking.id(), 10, Text("a"));
  batch->Add(full.id(), 11, Text("b"));
  batch->Add(total.id(), 12, Text("c"));
  batch->Add(gone.id(), 13, Text("d"));
  batch->Add(elsewhere.Next(0), 14, Text("e"));
  batch->Add(0, 15, Text("f"));
  batch->Add(-1, 16, Text("g"));
  Deliver(batch);
  const std::map<uint32_t, Delivery> expected = {{10, Delivery::kQueued},    {11, Delivery::kFull},
                                                 {12, Delivery::kTotalFull}, {13, Delivery::kGone},
                                                 {14, Delivery::kGone},      {15, Delivery::kGone},
                                                 {16, Delivery::kGone}};
  EXPECT_EQ(Results(*batch), expected);
  hub.On(0, [&] { EXPECT_THAT(Bodies(taking), ElementsAre("a")); });
}

TEST(DeliveryBatch, ASessionThatHasNotEnteredYetIsGone) {
  TestHub hub(1);
  const FakeSession& early = hub.Make(0, "");
  auto batch = std::make_shared<DeliveryBatch>(hub.hub());
  batch->Add(early.id(), 0, Text("a"));
  Deliver(batch);
  EXPECT_EQ(Results(*batch)[0], Delivery::kGone);
}

TEST(DeliveryBatch, MessagesForOneSessionKeepTheirOrderAlsoOverBatches) {
  TestHub hub(2);
  FakeSession& one = hub.LogIn(0, "");
  FakeSession& two = hub.LogIn(1, "");
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) expected.push_back(std::to_string(i));
  std::vector<std::shared_ptr<DeliveryBatch>> batches;
  for (size_t i = 0; i < expected.size(); i += 3) {
    batches.push_back(std::make_shared<DeliveryBatch>(hub.hub()));
    for (size_t j = i; j < i + 3; ++j) {
      batches.back()->Add(one.id(), 0, Text(expected[j]));
      batches.back()->Add(two.id(), 0, Text(expected[j]));
    }
    DeliveryBatch::Send(batches.back(), [](DeliveryBatch&) {});
  }
  hub.Settle();
  hub.On(0, [&] { EXPECT_EQ(Bodies(one), expected); });
  hub.On(1, [&] { EXPECT_EQ(Bodies(two), expected); });
}

TEST(DeliveryBatch, TheTypeOfAMessageStaysWithIt) {
  TestHub hub(1);
  FakeSession& session = hub.LogIn(0, "");
  auto batch = std::make_shared<DeliveryBatch>(hub.hub());
  batch->Add(session.id(), 0, {MessageType::kBinary, std::string_view("\0\xFF", 2)});
  batch->Add(session.id(), 1, Text(""));
  Deliver(batch);
  hub.On(0, [&] {
    ASSERT_EQ(session.delivered.size(), 2u);
    EXPECT_EQ(session.delivered[0].type, MessageType::kBinary);
    EXPECT_EQ(session.delivered[0].body, std::string("\0\xFF", 2));
    EXPECT_EQ(session.delivered[1].type, MessageType::kText);
  });
}

TEST(DeliveryBatch, WithNothingToWaitForItIsDoneOnThisThread) {
  TestHub hub(2);
  for (const bool is_empty : {true, false}) {
    auto batch = std::make_shared<DeliveryBatch>(hub.hub());
    if (!is_empty) batch->Add(-1, 0, Text("nobody"));
    int calls = 0;
    std::thread::id thread;
    DeliveryBatch::Send(batch, [&](DeliveryBatch&) {
      ++calls;
      thread = std::this_thread::get_id();
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(thread, std::this_thread::get_id());
  }
}

TEST(DeliveryBatch, AShardWithTooMuchWaitingRefusesItsItemsAndNoOthers) {
  TestHub hub(2);
  FakeSession& busy = hub.LogIn(0, "");
  FakeSession& idle = hub.LogIn(1, "");
  absl::Notification is_held, may_go_on;
  hub.loop(0).Post([&] {
    is_held.Notify();
    may_go_on.WaitForNotification();
  });
  is_held.WaitForNotification();
  ASSERT_TRUE(hub.loop(0).TryPost(kInboxBytesMax, [] {}));
  auto batch = std::make_shared<DeliveryBatch>(hub.hub());
  batch->Add(busy.id(), 0, Text("a"));
  batch->Add(busy.id(), 1, Text("b"));
  batch->Add(idle.id(), 2, Text("c"));
  Deliver(batch);
  batch->ForEach([&](const DeliveryBatch::Item& item) {
    EXPECT_EQ(item.was_refused_by_inbox, item.session_id == busy.id());
    EXPECT_TRUE(item.session_id != idle.id() || item.result == Delivery::kQueued);
  });
  may_go_on.Notify();
  hub.Settle();
  hub.On(0, [&] { EXPECT_THAT(Bodies(busy), ElementsAre()) << "refused is not delivered"; });
}

// What the callback holds on to usually holds on to the batch.
TEST(DeliveryBatch, NothingKeepsItAliveOnceItIsDone) {
  TestHub hub(1);
  FakeSession& session = hub.LogIn(0, "");
  auto batch = std::make_shared<DeliveryBatch>(hub.hub());
  const std::weak_ptr<DeliveryBatch> watch = batch;
  batch->Add(session.id(), 0, Text("a"));
  DeliveryBatch::Send(batch, [batch](DeliveryBatch&) {});
  batch.reset();
  hub.Settle();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace longwire
