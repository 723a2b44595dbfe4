#include "server/api/route_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;
using testing::HasSubstr;

// Shouts what backends say and doubles it, in the scratch buffer.
class ShoutingProtocol final : public ProtocolProvider {
 public:
  std::variant<RoutedMessage, ProtocolViolation> Decode(MessageView received,
                                                        std::string&) const override {
    return RoutedMessage{.message = received};
  }
  MessageView Encode(MessageView message, std::string& scratch) const override {
    EXPECT_TRUE(scratch.empty());
    scratch = std::string(message.body) + std::string(message.body);
    std::transform(scratch.begin(), scratch.end(), scratch.begin(), ::toupper);
    return {MessageType::kBinary, scratch};
  }
};

class RouteJobTest : public testing::Test {
 protected:
  explicit RouteJobTest(DuplicateLogin policy = DuplicateLogin::kAllow) : hub_(2, policy) {}

  v1::RouteRequest& Request() { return requests_.emplace_back(); }
  v1::RouteRequest& ToSession(SessionId id, const std::string& text) {
    v1::RouteRequest& request = Request();
    request.set_session_id(id);
    request.mutable_message()->set_text(text);
    return request;
  }
  v1::RouteRequest& ToUid(const std::string& uid, const std::string& text) {
    v1::RouteRequest& request = Request();
    request.set_uid(uid);
    request.mutable_message()->set_text(text);
    return request;
  }
  // Runs all requests as one job.
  void Run() {
    job_ = std::make_shared<RouteJob>(hub_.hub(), *protocol_, limits_);
    for (const v1::RouteRequest& request : requests_) job_->Add(request);
    absl::Notification done;
    RouteJob::Run(job_, [&] { done.Notify(); });
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
    ASSERT_EQ(job_->size(), requests_.size());
  }
  // "" when the route was taken, else its reason.
  std::string ReasonOf(size_t index) const {
    const auto refusal = job_->RefusalOf(index);
    return refusal ? std::string(ReasonName(refusal->reason)) : "";
  }
  void SetAnswer(FakeSession& session, Delivery answer) {
    hub_.On(hub_.hub().ShardFor(session.id())->index(), [&] { session.answer = answer; });
  }

  TestHub hub_;
  std::unique_ptr<ProtocolProvider> protocol_ = std::make_unique<RawProtocol>();
  PushLimits limits_{.message_bytes_max = 1'000};
  std::deque<v1::RouteRequest> requests_;
  std::shared_ptr<RouteJob> job_;
};

TEST_F(RouteJobTest, ARouteToASessionIsTaken) {
  FakeSession& alice = hub_.LogIn(0, "alice");
  ToSession(alice.id(), "hi");
  Run();
  EXPECT_EQ(ReasonOf(0), "");
  EXPECT_EQ(job_->session_count(0), 1u);
  EXPECT_EQ(job_->failed_count(0), 0u);
  hub_.On(0, [&] {
    ASSERT_EQ(alice.delivered.size(), 1u);
    EXPECT_EQ(alice.delivered[0].body, "hi");
    EXPECT_EQ(alice.delivered[0].type, MessageType::kText);
  });
}

TEST_F(RouteJobTest, ARouteByUidReachesAllItsSessions) {
  hub_.LogIn(0, "alice");
  hub_.LogIn(1, "alice");
  FakeSession& full = hub_.LogIn(1, "alice");
  hub_.LogIn(1, "bob");
  SetAnswer(full, Delivery::kFull);
  ToUid("alice", "hi");
  Run();
  EXPECT_EQ(ReasonOf(0), "") << "some took it";
  EXPECT_EQ(job_->session_count(0), 2u);
  EXPECT_EQ(job_->failed_count(0), 1u);
}

TEST_F(RouteJobTest, StandsForWhatItsSessionsAreSentAndNotOnlyForWhatWasAsked) {
  for (int i = 0; i < 100; ++i) hub_.LogIn(0, "alice");
  ToUid("alice", std::string(1'000, 'x'));
  Run();
  EXPECT_GE(job_->bytes(), 100u * 1'000);
}

TEST_F(RouteJobTest, EachRequestGetsItsOwnAnswer) {
  FakeSession& alice = hub_.LogIn(0, "alice");
  FakeSession& full = hub_.LogIn(1, "full");
  FakeSession& crowded = hub_.LogIn(1, "crowded");
  FakeSession& gone = hub_.LogIn(0, "gone");
  hub_.On(0, [&] { gone.LoseConnection(); });
  hub_.Settle();
  SetAnswer(full, Delivery::kFull);
  SetAnswer(crowded, Delivery::kTotalFull);
  std::vector<std::string> expected;
  const auto expect = [&](std::string reason, v1::RouteRequest&) {
    expected.push_back(std::move(reason));
  };
  expect("", ToSession(alice.id(), "hi"));
  expect("OUTBOX_FULL", ToSession(full.id(), "hi"));
  expect("OUTBOX_FULL", ToUid("full", "hi"));
  expect("GATEWAY_BUSY", ToSession(crowded.id(), "hi"));
  expect("SESSION_GONE", ToSession(gone.id(), "hi"));
  expect("SESSION_GONE", ToSession(0, "hi"));
  expect("SESSION_GONE", ToSession(INT64_MIN, "hi"));
  expect("UID_OFFLINE", ToUid("gone", "hi"));
  expect("UID_OFFLINE", ToUid("nobody", "hi"));
  expect("UID_EMPTY", ToUid("", "hi"));
  expect("UID_INVALID", ToUid(std::string(kUidBytesMax + 1, 'u'), "hi"));
  expect("UID_OFFLINE", ToUid(std::string(kUidBytesMax, 'u'), "hi"));
  v1::RouteRequest& no_target = Request();
  no_target.mutable_message()->set_text("hi");
  expect("TARGET_MISSING", no_target);
  v1::RouteRequest& no_message = Request();
  no_message.set_session_id(alice.id());
  expect("MESSAGE_MISSING", no_message);
  v1::RouteRequest& no_body = Request();
  no_body.set_session_id(alice.id());
  no_body.mutable_message();
  expect("MESSAGE_MISSING", no_body);
  expect("", ToSession(alice.id(), ""));
  expect("", ToSession(alice.id(), std::string(1'000, 'x')));
  expect("MESSAGE_TOO_BIG", ToSession(alice.id(), std::string(1'001, 'x')));
  expect("", ToUid("alice", "last"));
  Run();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(ReasonOf(i), expected[i]) << i << ": " << requests_[i].ShortDebugString();
    EXPECT_EQ(job_->session_count(i), expected[i].empty() ? 1u : 0u) << i;
  }
  hub_.On(0, [&] { EXPECT_EQ(alice.delivered.size(), 4u); });
}

TEST_F(RouteJobTest, ARefusalNamesWhatWasRefused) {
  ToSession(123, "hi");
  ToUid("nobody", "hi");
  ToSession(123, std::string(1'001, 'x'));
  Run();
  EXPECT_THAT(job_->RefusalOf(0)->text, HasSubstr("123"));
  EXPECT_THAT(job_->RefusalOf(1)->text, HasSubstr("nobody"));
  EXPECT_THAT(job_->RefusalOf(2)->text, HasSubstr("1001"));
}

// Some full, some gone: whoever may still succeed later decides what the caller is told.
TEST_F(RouteJobTest, OfSeveralReasonsTheOneThatMayPassIsTold) {
  FakeSession& one = hub_.LogIn(0, "alice");
  FakeSession& two = hub_.LogIn(1, "alice");
  SetAnswer(one, Delivery::kGone);
  SetAnswer(two, Delivery::kFull);
  ToUid("alice", "hi");
  Run();
  EXPECT_EQ(ReasonOf(0), "OUTBOX_FULL");
  EXPECT_EQ(job_->failed_count(0), 2u);
}

TEST_F(RouteJobTest, ALoopWithTooMuchWaitingIsBusyAndTheOthersAreNot) {
  FakeSession& busy = hub_.LogIn(0, "busy");
  FakeSession& idle = hub_.LogIn(1, "idle");
  absl::Notification is_held, may_go_on;
  hub_.loop(0).Post([&] {
    is_held.Notify();
    may_go_on.WaitForNotification();
  });
  is_held.WaitForNotification();
  ASSERT_TRUE(hub_.loop(0).TryPost(kInboxBytesMax, [] {}));
  ToSession(busy.id(), "hi");
  ToSession(idle.id(), "hi");
  Run();
  may_go_on.Notify();
  hub_.Settle();
  EXPECT_EQ(ReasonOf(0), "GATEWAY_BUSY");
  EXPECT_EQ(job_->RefusalOf(0)->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(job_->failed_count(0), 1u);
  EXPECT_EQ(ReasonOf(1), "");
}

TEST_F(RouteJobTest, WithoutRequestsItIsDone) {
  Run();
  EXPECT_EQ(job_->size(), 0u);
}

TEST_F(RouteJobTest, ClientsGetWhatTheProtocolMakesOfEachMessage) {
  protocol_ = std::make_unique<ShoutingProtocol>();
  FakeSession& alice = hub_.LogIn(0, "alice");
  for (int i = 0; i < 50; ++i) ToSession(alice.id(), "hi" + std::to_string(i));
  ToSession(alice.id(), std::string(501, 'x'));
  Run();
  EXPECT_EQ(ReasonOf(50), "MESSAGE_TOO_BIG") << "the bound is on what the client gets";
  hub_.On(0, [&] {
    ASSERT_EQ(alice.delivered.size(), 50u);
    for (int i = 0; i < 50; ++i) {
      const std::string shout = "HI" + std::to_string(i);
      EXPECT_EQ(alice.delivered[i].body, shout + shout);
      EXPECT_EQ(alice.delivered[i].type, MessageType::kBinary);
    }
  });
}

class RouteJobKickOldTest : public RouteJobTest {
 protected:
  RouteJobKickOldTest() : RouteJobTest(DuplicateLogin::kKickOld) {}
};

TEST_F(RouteJobKickOldTest, ARouteByUidReachesTheNewestSession) {
  FakeSession& old = hub_.LogIn(0, "alice");
  FakeSession& young = hub_.LogIn(1, "alice");
  ToUid("alice", "hi");
  Run();
  EXPECT_EQ(job_->session_count(0), 1u);
  hub_.On(0, [&] { EXPECT_TRUE(old.delivered.empty()); });
  hub_.On(1, [&] { EXPECT_EQ(young.delivered.size(), 1u); });
}

}  // namespace
}  // namespace longwire
