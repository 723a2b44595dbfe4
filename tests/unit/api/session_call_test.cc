#include "server/api/session_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
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
using testing::ElementsAre;
using testing::IsEmpty;
using Names = std::vector<std::string>;

Names Numbered(size_t count) {
  Names names;
  for (size_t i = 0; i < count; ++i) names.push_back("t" + std::to_string(i));
  return names;
}

v1::UpdateTopicsRequest Change(SessionId id, const Names& join, const Names& leave = {}) {
  v1::UpdateTopicsRequest request;
  request.set_session_id(id);
  request.mutable_join()->Add(join.begin(), join.end());
  request.mutable_leave()->Add(leave.begin(), leave.end());
  return request;
}

std::string NameOf(const std::optional<Refusal>& refusal) {
  return refusal ? std::string(ReasonName(refusal->reason)) : "";
}

// Runs a call to its end and returns the reason of its refusal; empty when there is none.
template <typename Run>
std::string Wait(Run run) {
  std::string reason = "never called";
  absl::Notification done;
  run([&](const std::optional<Refusal>& refusal) {
    reason = NameOf(refusal);
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  return reason;
}

class SessionCallTest : public testing::Test {
 protected:
  std::string Get(SessionId id, v1::Session& shown) {
    return Wait([&](CallDone done) { RunGetSession(hub_.hub(), id, shown, std::move(done)); });
  }
  // The topics after the change, or the reason for which it is refused.
  Names Update(const v1::UpdateTopicsRequest& request) {
    auto plan = PlanTopicChange(request);
    if (const auto* refusal = std::get_if<Refusal>(&plan)) return {NameOf(*refusal)};
    v1::UpdateTopicsResponse response;
    const std::string reason = Wait([&](CallDone done) {
      RunUpdateTopics(hub_.hub(), std::get<TopicChange>(std::move(plan)), response,
                      std::move(done));
    });
    if (!reason.empty()) return {reason};
    return {response.topics().begin(), response.topics().end()};
  }

  TestHub hub_{2};
  FakeSession& alice_ = hub_.LogIn(1, "alice");
};

TEST_F(SessionCallTest, ShowsASessionWithItsNodeAndItsTopics) {
  EXPECT_THAT(Update(Change(alice_.id(), {"room", "news"})), ElementsAre("news", "room"));
  v1::Session shown;
  EXPECT_EQ(Get(alice_.id(), shown), "");
  EXPECT_EQ(shown.session_id(), alice_.id());
  EXPECT_EQ(shown.uid(), "alice");
  EXPECT_EQ(shown.node_id(), TestHub::kNode);
  EXPECT_THAT(shown.topics(), ElementsAre("news", "room"));
  EXPECT_EQ(shown.entered_at().seconds(), 1'800'000'000);
}

TEST_F(SessionCallTest, ASessionThatIsGoneOrNeverWasIsNotFound) {
  hub_.On(1, [&] { alice_.LeaveFor(LeaveReason::kKicked); });
  v1::Session shown;
  for (const SessionId id : {alice_.id(), SessionId{-1}, SessionId{1}, SessionId{INT64_MAX}}) {
    EXPECT_EQ(Get(id, shown), "SESSION_GONE") << id;
    EXPECT_THAT(Update(Change(id, {"room"})), ElementsAre("SESSION_GONE")) << id;
  }
}

TEST_F(SessionCallTest, ASessionIdThatIsNotSetIsRefused) {
  EXPECT_EQ(NameOf(CheckSessionId(0)), "TARGET_MISSING");
  EXPECT_EQ(NameOf(CheckSessionId(-1)), "");
  EXPECT_THAT(Update(Change(0, {"room"})), ElementsAre("TARGET_MISSING"));
}

TEST_F(SessionCallTest, ALoopThatIsBehindIsBusy) {
  absl::Notification is_stuck, release;
  hub_.loop(1).Post([&] {
    is_stuck.Notify();
    release.WaitForNotification();
  });
  is_stuck.WaitForNotification();
  ASSERT_TRUE(hub_.loop(1).TryPost(kInboxBytesMax, [] {}));
  v1::Session shown;
  EXPECT_EQ(Get(alice_.id(), shown), "GATEWAY_BUSY");
  EXPECT_THAT(Update(Change(alice_.id(), {"room"})), ElementsAre("GATEWAY_BUSY"));
  release.Notify();
  hub_.Settle();
  EXPECT_EQ(Get(alice_.id(), shown), "");
}

TEST_F(SessionCallTest, JoinsAndLeavesInOneStepAndTellsTheTopicsSorted) {
  EXPECT_THAT(Update(Change(alice_.id(), {"b", "a", "b"})), ElementsAre("a", "b"));
  EXPECT_THAT(Update(Change(alice_.id(), {"c", "b"}, {"a", "z"})), ElementsAre("b", "c"));
  EXPECT_THAT(Update(Change(alice_.id(), {})), ElementsAre("b", "c"));
  EXPECT_THAT(Update(Change(alice_.id(), {}, {"c", "b"})), IsEmpty());
}

TEST_F(SessionCallTest, AChangeThatIsRefusedChangesNothing) {
  EXPECT_THAT(Update(Change(alice_.id(), {"a"})), ElementsAre("a"));
  EXPECT_THAT(Update(Change(alice_.id(), {"b", "no spaces"}, {"a"})),
              ElementsAre("BAD_TOPIC_NAME"));
  EXPECT_THAT(Update(Change(alice_.id(), {"b"}, {""})), ElementsAre("BAD_TOPIC_NAME"));
  EXPECT_THAT(Update(Change(alice_.id(), {"b", "c"}, {"a", "c"})), ElementsAre("BAD_TOPIC_NAME"))
      << "c is in both lists";
  EXPECT_THAT(Update(Change(alice_.id(), Numbered(kTopicsPerSessionMax))),
              ElementsAre("TOO_MANY_TOPICS"));
  EXPECT_THAT(Update(Change(alice_.id(), Numbered(kTopicsPerSessionMax + 1), {"a"})),
              ElementsAre("TOO_MANY_TOPICS"));
  EXPECT_THAT(Update(Change(alice_.id(), {})), ElementsAre("a"));
  EXPECT_EQ(Update(Change(alice_.id(), Numbered(kTopicsPerSessionMax), {"a"})).size(),
            kTopicsPerSessionMax);
}

}  // namespace
}  // namespace longwire
