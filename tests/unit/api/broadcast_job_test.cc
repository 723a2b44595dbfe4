#include "server/api/broadcast_job.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;

// Counts how often it is asked, and puts a mark before each message.
class MarkingProtocol final : public ProtocolProvider {
 public:
  std::variant<RoutedMessage, ProtocolViolation> Decode(MessageView received,
                                                        std::string&) const override {
    return RoutedMessage{.message = received};
  }
  MessageView Encode(MessageView message, std::string& scratch) const override {
    ++encoded;
    scratch = ">" + std::string(message.body);
    return {message.type, scratch};
  }

  mutable int encoded = 0;
};

v1::BroadcastRequest Everyone(const std::string& text = "hi") {
  v1::BroadcastRequest request;
  request.set_everyone(true);
  request.mutable_message()->set_text(text);
  return request;
}

v1::BroadcastRequest ToTopic(const std::string& topic) {
  v1::BroadcastRequest request = Everyone();
  request.set_topic(topic);
  return request;
}

v1::BroadcastRequest ToUids(const std::vector<std::string>& uids) {
  v1::BroadcastRequest request = Everyone();
  request.mutable_uids();
  for (const std::string& uid : uids) request.mutable_uids()->add_uids(uid);
  return request;
}

class BroadcastJobTest : public testing::Test {
 protected:
  std::string ReasonOf(const v1::BroadcastRequest& request) {
    const auto plan = PlanBroadcast(request, hub_.hub(), protocol_, limits_);
    const auto* refusal = std::get_if<Refusal>(&plan);
    return refusal == nullptr ? "" : std::string(ReasonName(refusal->reason));
  }
  DeliveryCounts Broadcast(const v1::BroadcastRequest& request) {
    auto plan = PlanBroadcast(request, hub_.hub(), protocol_, limits_);
    DeliveryCounts counts;
    absl::Notification done;
    RunBroadcast(hub_.hub(), request, std::get<SharedFrame>(std::move(plan)),
                 [&](const DeliveryCounts& got) {
                   counts = got;
                   done.Notify();
                 });
    EXPECT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
    return counts;
  }
  FakeSession& JoinOn(uint32_t shard, const std::string& uid,
                      std::vector<std::string> topics = {}) {
    FakeSession& session = hub_.Make(shard, uid);
    hub_.On(shard, [&] {
      session.topics = std::move(topics);
      session.LogIn();
    });
    return session;
  }
  static size_t Got(const FakeSession& session) { return session.frames.size(); }

  TestHub hub_{2, DuplicateLogin::kAllow};
  MarkingProtocol protocol_;
  PushLimits limits_{.message_bytes_max = 100'000};
};

TEST_F(BroadcastJobTest, WhatCanNeverSucceedIsRefused) {
  v1::BroadcastRequest request;
  request.mutable_message()->set_text("hi");
  EXPECT_EQ(ReasonOf(request), "AUDIENCE_MISSING");
  request.set_everyone(false);
  EXPECT_EQ(ReasonOf(request), "AUDIENCE_MISSING");
  EXPECT_EQ(ReasonOf(ToUids({})), "AUDIENCE_MISSING");
  EXPECT_EQ(ReasonOf(ToUids({"alice", ""})), "UID_EMPTY");
  EXPECT_EQ(ReasonOf(ToUids({std::string(kUidBytesMax + 1, 'u')})), "UID_INVALID");
  EXPECT_EQ(ReasonOf(ToUids({std::string(kUidBytesMax, 'u')})), "");
  EXPECT_EQ(ReasonOf(ToTopic("")), "BAD_TOPIC_NAME");
  EXPECT_EQ(ReasonOf(ToTopic("no spaces")), "BAD_TOPIC_NAME");
  EXPECT_EQ(ReasonOf(ToTopic("room.1_-")), "");
  request = Everyone();
  request.clear_message();
  EXPECT_EQ(ReasonOf(request), "MESSAGE_MISSING");
  request.mutable_message();
  EXPECT_EQ(ReasonOf(request), "MESSAGE_MISSING");
  EXPECT_EQ(ReasonOf(Everyone(std::string(99'999, 'x'))), "") << "the mark is one more";
  EXPECT_EQ(ReasonOf(Everyone(std::string(100'000, 'x'))), "MESSAGE_TOO_BIG");
}

TEST_F(BroadcastJobTest, WhatTheBudgetHasNoRoomForIsBusyAndReachesNobody) {
  FakeSession& alice = JoinOn(0, "alice");
  ByteBudget& budget = hub_.hub().outbox_budget();
  const size_t taken = 64 * 1024 * 1024 - 4;
  ASSERT_TRUE(budget.Take(taken));
  EXPECT_EQ(ReasonOf(Everyone()), "GATEWAY_BUSY");
  budget.Give(taken);
  EXPECT_EQ(ReasonOf(Everyone()), "");
  EXPECT_EQ(budget.used(), 0u);
  hub_.On(0, [&] { EXPECT_EQ(Got(alice), 0u); });
}

TEST_F(BroadcastJobTest, AllSessionsOfAllLoopsShareOneFrameThatWasEncodedOnce) {
  std::vector<FakeSession*> sessions;
  for (uint32_t i = 0; i < 10; ++i) sessions.push_back(&JoinOn(i % 2, i < 5 ? "" : "alice"));
  const DeliveryCounts counts = Broadcast(Everyone("hello"));
  EXPECT_EQ(counts.taken, 10u);
  EXPECT_EQ(counts.full + counts.total_full, 0u);
  EXPECT_EQ(protocol_.encoded, 1);
  for (uint32_t shard = 0; shard < 2; ++shard) {
    hub_.On(shard, [&] {
      for (uint32_t i = shard; i < 10; i += 2) {
        ASSERT_EQ(Got(*sessions[i]), 1u);
        EXPECT_EQ(sessions[i]->frames[0].bytes(), "\x81\x06>hello");
      }
    });
  }
  EXPECT_EQ(hub_.hub().outbox_budget().used(), 8u) << "charged once";
  hub_.On(1, [&] {
    EXPECT_EQ(sessions[1]->frames[0].bytes().data(), sessions[3]->frames[0].bytes().data());
  });
}

TEST_F(BroadcastJobTest, ATopicReachesThoseInItAndNobodyElse) {
  FakeSession& alice = JoinOn(0, "alice", {"room"});
  FakeSession& bob = JoinOn(1, "bob", {"room", "news"});
  FakeSession& carol = JoinOn(1, "carol", {"news"});
  EXPECT_EQ(Broadcast(ToTopic("room")).taken, 2u);
  EXPECT_EQ(Broadcast(ToTopic("nobody-there")).taken, 0u);
  hub_.On(0, [&] { EXPECT_EQ(Got(alice), 1u); });
  hub_.On(1, [&] { EXPECT_EQ(Got(bob), 1u); });
  hub_.On(1, [&] { EXPECT_EQ(Got(carol), 0u); });
}

TEST_F(BroadcastJobTest, UidsReachAllTheirSessionsOnceEach) {
  FakeSession& first = JoinOn(0, "alice");
  FakeSession& second = JoinOn(1, "alice");
  FakeSession& bob = JoinOn(1, "bob");
  FakeSession& carol = JoinOn(0, "carol");
  EXPECT_EQ(Broadcast(ToUids({"alice", "bob", "alice", "nobody", "bob"})).taken, 3u);
  EXPECT_EQ(Broadcast(ToUids({"nobody"})).taken, 0u);
  hub_.On(0, [&] { EXPECT_EQ(Got(first), 1u); });
  hub_.On(1, [&] { EXPECT_EQ(Got(second), 1u); });
  hub_.On(1, [&] { EXPECT_EQ(Got(bob), 1u); });
  hub_.On(0, [&] { EXPECT_EQ(Got(carol), 0u); });
}

TEST_F(BroadcastJobTest, WhoIsExceptedIsReachedByNoAudienceAndNotCounted) {
  FakeSession& alice = JoinOn(0, "alice", {"room"});
  JoinOn(1, "bob", {"room"});
  hub_.On(0, [&] { alice.answer = Delivery::kFull; });
  for (v1::BroadcastRequest request : {Everyone(), ToTopic("room"), ToUids({"alice", "bob"})}) {
    for (const SessionId id : {alice.id(), alice.id(), SessionId{0}, SessionId{-7}}) {
      request.add_except_session_ids(id);
    }
    const DeliveryCounts counts = Broadcast(request);
    EXPECT_EQ(counts.taken, 1u);
    EXPECT_EQ(counts.full, 0u);
  }
  hub_.On(0, [&] { EXPECT_EQ(Got(alice), 0u); });
}

TEST_F(BroadcastJobTest, FullOutboxesAreSkippedAndCounted) {
  FakeSession& full = JoinOn(0, "full");
  FakeSession& total_full = JoinOn(1, "total-full");
  JoinOn(0, "alice");
  hub_.On(0, [&] { full.answer = Delivery::kFull; });
  hub_.On(1, [&] { total_full.answer = Delivery::kTotalFull; });
  const DeliveryCounts counts = Broadcast(Everyone());
  EXPECT_EQ(counts.taken, 1u);
  EXPECT_EQ(counts.full, 1u);
  EXPECT_EQ(counts.total_full, 1u);
}

TEST_F(BroadcastJobTest, ALargeAudienceTakesManyTurnsAndLeavesRoomForOthersBetween) {
  constexpr size_t kSessions = 3 * kBroadcastSliceSessionsMax + 5;
  std::vector<FakeSession*> sessions;
  hub_.On(0, [&] {
    for (size_t i = 0; i < kSessions; ++i) {
      sessions.push_back(&hub_.MakeHere(0, ""));
      sessions.back()->LogIn();
    }
  });
  // On the loop, so that the first slice is behind it and the task behind the first slice.
  size_t reached_meanwhile = 0;
  absl::Notification done;
  DeliveryCounts counts;
  const v1::BroadcastRequest request = Everyone();
  auto plan = PlanBroadcast(request, hub_.hub(), protocol_, limits_);
  hub_.On(0, [&] {
    RunBroadcast(hub_.hub(), request, std::get<SharedFrame>(std::move(plan)),
                 [&](const DeliveryCounts& got) {
                   counts = got;
                   done.Notify();
                 });
    hub_.loop(0).Post([&] {
      for (const FakeSession* session : sessions) reached_meanwhile += Got(*session);
      // One that has not been reached yet leaves.
      for (FakeSession* session : sessions) {
        if (Got(*session) > 0) continue;
        session->LeaveFor(LeaveReason::kKicked);
        return;
      }
    });
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  EXPECT_EQ(reached_meanwhile, kBroadcastSliceSessionsMax);
  EXPECT_EQ(counts.taken, kSessions - 1) << "who has left is not counted";
  hub_.On(0, [&] {
    for (const FakeSession* session : sessions) EXPECT_LE(Got(*session), 1u);
  });
}

TEST_F(BroadcastJobTest, ATurnsSliceIsBoundedInBytesToo) {
  limits_.message_bytes_max = kMessageBytesMaxMax;
  std::vector<FakeSession*> sessions;
  hub_.On(0, [&] {
    for (size_t i = 0; i < 50; ++i) {
      sessions.push_back(&hub_.MakeHere(0, ""));
      sessions.back()->LogIn();
    }
  });
  size_t reached_meanwhile = 0;
  absl::Notification done;
  const v1::BroadcastRequest request = Everyone(std::string(1'000'000, 'x'));
  auto plan = PlanBroadcast(request, hub_.hub(), protocol_, limits_);
  hub_.On(0, [&] {
    RunBroadcast(hub_.hub(), request, std::get<SharedFrame>(std::move(plan)),
                 [&](const DeliveryCounts&) { done.Notify(); });
    hub_.loop(0).Post([&] {
      for (const FakeSession* session : sessions) reached_meanwhile += Got(*session);
    });
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  EXPECT_EQ(reached_meanwhile, kBroadcastSliceBytesMax / 1'000'011);
}

}  // namespace
}  // namespace longwire
