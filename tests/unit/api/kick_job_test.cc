#include "server/api/kick_job.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;

v1::KickRequest OfSession(SessionId id, uint32_t code = 0) {
  v1::KickRequest request;
  request.set_session_id(id);
  request.set_close_code(code);
  return request;
}

v1::KickRequest OfUid(const std::string& uid) {
  v1::KickRequest request;
  request.set_uid(uid);
  return request;
}

// Kicks, and returns how many were there. What is in the log by then is in `events`.
uint32_t Kick(TestHub& hub, const v1::KickRequest& request, std::vector<v1::Event>& events) {
  uint32_t kicked = 0;
  absl::Notification done;
  RunKick(hub.hub(), request, [&](uint32_t count) {
    kicked = count;
    events = hub.Events();
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  return kicked;
}

std::string ReasonOf(const v1::KickRequest& request) {
  const auto refusal = CheckKick(request);
  return refusal ? std::string(ReasonName(refusal->reason)) : "";
}

TEST(CheckKick, RefusesWhatCanNeverSucceed) {
  EXPECT_EQ(ReasonOf({}), "TARGET_MISSING");
  EXPECT_EQ(ReasonOf(OfUid("")), "UID_EMPTY");
  EXPECT_EQ(ReasonOf(OfUid(std::string(kUidBytesMax + 1, 'u'))), "UID_INVALID");
  EXPECT_EQ(ReasonOf(OfUid(std::string(kUidBytesMax, 'u'))), "");
  EXPECT_EQ(ReasonOf(OfSession(0)), "") << "it is looked up, and not there";
  for (const uint32_t code : {0u, 1000u, 1001u, 1008u, 1011u, 1013u, 3000u, 4999u}) {
    EXPECT_EQ(ReasonOf(OfSession(1, code)), "") << code;
  }
  for (const uint32_t code : {1u, 999u, 1002u, 1005u, 1006u, 1015u, 2999u, 5000u, 66'536u}) {
    EXPECT_EQ(ReasonOf(OfSession(1, code)), "BAD_CLOSE_CODE") << code;
  }
  v1::KickRequest request = OfSession(1);
  request.set_close_reason(std::string(kCloseReasonBytesMax, 'r'));
  EXPECT_EQ(ReasonOf(request), "");
  request.set_close_reason(std::string(kCloseReasonBytesMax + 1, 'r'));
  EXPECT_EQ(ReasonOf(request), "BAD_CLOSE_REASON");
}

TEST(RunKick, TheLeaveIsInTheLogWhenTheCallerIsAnswered) {
  TestHub hub(2);
  FakeSession& alice = hub.LogIn(1, "alice");
  v1::KickRequest request = OfSession(alice.id(), 4000);
  request.set_close_reason("enough");
  request.set_silent(true);
  std::vector<v1::Event> events;
  EXPECT_EQ(Kick(hub, request, events), 1u);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].leave().reason(), v1::LEAVE_REASON_KICKED);
  EXPECT_EQ(events[1].leave().close_code(), 4000u);
  EXPECT_TRUE(events[1].leave().silent());
  hub.On(1, [&] { EXPECT_EQ(alice.kick_reason, "enough"); });
}

TEST(RunKick, WithoutACodeItIsANormalClosure) {
  TestHub hub(1);
  const FakeSession& alice = hub.LogIn(0, "alice");
  std::vector<v1::Event> events;
  EXPECT_EQ(Kick(hub, OfSession(alice.id()), events), 1u);
  EXPECT_EQ(events.back().leave().close_code(), 1000u);
}

TEST(RunKick, ByUidEndsAllItsSessionsAndNoOthers) {
  TestHub hub(3, DuplicateLogin::kAllow);
  for (uint32_t shard = 0; shard < 3; ++shard) hub.LogIn(shard, "alice");
  const FakeSession& bob = hub.LogIn(0, "bob");
  std::vector<v1::Event> events;
  EXPECT_EQ(Kick(hub, OfUid("alice"), events), 3u);
  EXPECT_EQ(events.size(), 4u + 3u) << "the LEAVE of each is in the log";
  EXPECT_EQ(hub.StateOf(bob), FakeSession::State::kEntered);
  EXPECT_TRUE(hub.hub().uids().Find("alice").empty());
}

TEST(RunKick, WhoIsNotThereIsNotCounted) {
  TestHub hub(1);
  const FakeSession& alice = hub.LogIn(0, "alice");
  std::vector<v1::Event> events;
  EXPECT_EQ(Kick(hub, OfSession(alice.id()), events), 1u);
  EXPECT_EQ(Kick(hub, OfSession(alice.id()), events), 0u) << "it is gone";
  EXPECT_EQ(Kick(hub, OfSession(-5), events), 0u);
  EXPECT_EQ(Kick(hub, OfUid("nobody"), events), 0u);
  EXPECT_EQ(events.size(), 2u);
}

}  // namespace
}  // namespace longwire
