#include "server/hub/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;
using testing::ElementsAre;
using testing::IsEmpty;
using State = FakeSession::State;

TEST(Shard, ASessionsEventsStandInTheLogAsEnterRoutesLeave) {
  TestHub hub(1);
  const FakeSession& alice = hub.LogIn(0, "alice");
  const FakeSession& bob = hub.LogIn(0, "bob");
  hub.On(0, [&] {
    auto& session = const_cast<FakeSession&>(alice);
    session.Say("one");
    const_cast<FakeSession&>(bob).Say("other");
    session.Say("two");
    session.LeaveFor(LeaveReason::kClientClosed);
  });
  hub.Settle();
  EXPECT_THAT(hub.Story({&alice, &bob}),
              ElementsAre("ENTER 0", "ENTER 1", "ROUTE 0 one", "ROUTE 1 other", "ROUTE 0 two",
                          "LEAVE 0 CLIENT_CLOSED"));
}

TEST(Shard, EventsCarryTheSessionItsUidAndTheTimeOfTheTurn) {
  TestHub hub(1);
  v1::Enter enter;
  enter.set_path("/chat");
  FakeSession& alice = hub.LogIn(0, "alice", enter);
  int64_t wall = 0;
  hub.On(0, [&] {
    alice.Say("hi");
    wall = hub.loop(0).wall_millis();
    alice.LeaveFor(LeaveReason::kKicked, 4000, true);
  });
  hub.Settle();
  const std::vector<v1::Event> events = hub.Events();
  ASSERT_EQ(events.size(), 3u);
  for (const v1::Event& event : events) {
    EXPECT_EQ(event.session_id(), alice.id());
    EXPECT_EQ(event.uid(), "alice");
  }
  EXPECT_EQ(events[0].enter().path(), "/chat");
  EXPECT_EQ(events[1].time().seconds() * 1'000 + events[1].time().nanos() / 1'000'000, wall);
  EXPECT_EQ(events[2].leave().close_code(), 4000u);
  EXPECT_TRUE(events[2].leave().silent());
  EXPECT_TRUE(hub.log().Read(3).segment->traits(hub.log().Read(3).begin).silent);
}

TEST(Shard, ASessionIsFoundFromEnterToLeave) {
  TestHub hub(2);
  FakeSession& alice = hub.Make(1, "alice");
  hub.On(1, [&] {
    EXPECT_EQ(hub.shard(1).Find(alice.id()), nullptr);
    alice.LogIn();
    EXPECT_EQ(hub.shard(1).Find(alice.id()), &alice);
    EXPECT_EQ(hub.shard(1).size(), 1u);
    alice.LeaveFor(LeaveReason::kClientClosed);
    EXPECT_EQ(hub.shard(1).Find(alice.id()), nullptr);
    EXPECT_EQ(hub.shard(1).size(), 0u);
  });
}

TEST(Shard, EventsAreWrittenWhenTheTurnEndsAndAllTogether) {
  TestHub hub(1);
  FakeSession& alice = hub.Make(0, "alice");
  hub.On(0, [&] {
    alice.LogIn();
    alice.Say("hi");
    EXPECT_EQ(hub.log().head(), 0u);
    hub.shard(0).EndTurn();
    EXPECT_EQ(hub.log().head(), 2u);
    hub.shard(0).EndTurn();
    EXPECT_EQ(hub.log().head(), 2u) << "nothing is written twice";
  });
}

TEST(Shard, AFloodIsWrittenInPiecesWithinTheTurnAndInOrder) {
  TestHub hub(1);
  FakeSession& alice = hub.Make(0, "alice");
  const std::string word(kEventBatchBytesMax / 8, 'x');
  hub.On(0, [&] {
    alice.LogIn();
    for (int i = 0; i < 20; ++i) alice.Say(word);
    EXPECT_GT(hub.log().head(), 0u) << "before the turn ends";
    alice.LeaveFor(LeaveReason::kClientClosed);
  });
  hub.Settle();
  const std::vector<v1::Event> events = hub.Events();
  ASSERT_EQ(events.size(), 22u);
  EXPECT_EQ(events.front().type(), v1::EVENT_TYPE_ENTER);
  EXPECT_EQ(events.back().type(), v1::EVENT_TYPE_LEAVE);
}

TEST(Shard, AUidIsGivenBackOnlyWhenTheLeaveStandsInTheLog) {
  TestHub hub(1, DuplicateLogin::kRejectNew);
  FakeSession& old = hub.LogIn(0, "alice");
  FakeSession& early = hub.Make(0, "alice");
  FakeSession& late = hub.Make(0, "alice");
  hub.On(0, [&] {
    old.LeaveFor(LeaveReason::kClientClosed);
    early.LogIn();
    EXPECT_EQ(early.state, State::kRejected);
    hub.shard(0).EndTurn();
    late.LogIn();
    EXPECT_EQ(late.state, State::kEntered);
  });
}

TEST(Shard, ANewLoginOnTheSameShardEntersBehindTheLeaveOfTheOld) {
  TestHub hub(1);
  const FakeSession& old = hub.LogIn(0, "alice");
  const FakeSession& young = hub.LogIn(0, "alice");
  EXPECT_THAT(hub.Story({&old, &young}),
              ElementsAre("ENTER 0", "LEAVE 0 DUPLICATE_LOGIN", "ENTER 1"));
  EXPECT_THAT(hub.hub().uids().Find("alice"), ElementsAre(young.id()));
}

TEST(Shard, ANewLoginOnAnotherShardEntersBehindTheLeaveOfTheOld) {
  TestHub hub(2);
  FakeSession& old = hub.LogIn(0, "alice");
  hub.On(0, [&] { old.Say("last words"); });
  const FakeSession& young = hub.LogIn(1, "alice");
  EXPECT_THAT(hub.Story({&old, &young}),
              ElementsAre("ENTER 0", "ROUTE 0 last words", "LEAVE 0 DUPLICATE_LOGIN", "ENTER 1"));
  EXPECT_EQ(hub.StateOf(young), State::kEntered);
}

TEST(Shard, OfSeveralThatWaitTheNewestEntersAndTheOthersNeverDid) {
  TestHub hub(2);
  FakeSession& old = hub.LogIn(0, "alice");
  FakeSession& first = hub.Make(1, "alice");
  FakeSession& second = hub.Make(1, "alice");
  FakeSession& third = hub.Make(1, "alice");
  absl::Notification may_leave;
  // The owner's loop is busy, so that all three wait.
  hub.loop(0).Post([&] { may_leave.WaitForNotification(); });
  hub.On(1, [&] {
    for (FakeSession* session : {&first, &second, &third}) session->LogIn();
  });
  may_leave.Notify();
  hub.Settle();
  EXPECT_THAT(hub.Story({&old, &first, &second, &third}),
              ElementsAre("ENTER 0", "LEAVE 0 DUPLICATE_LOGIN", "ENTER 3"));
  EXPECT_EQ(hub.StateOf(first), State::kAbandoned);
  EXPECT_EQ(hub.StateOf(second), State::kAbandoned);
  EXPECT_EQ(hub.metrics(0).sessions.value() + hub.metrics(1).sessions.value(), 1u);
}

TEST(Shard, AWaiterThatGivesUpLeavesNoTraceAndTheUidIsFree) {
  TestHub hub(2);
  FakeSession& old = hub.LogIn(0, "alice");
  FakeSession& waiter = hub.Make(1, "alice");
  absl::Notification may_leave;
  hub.loop(0).Post([&] { may_leave.WaitForNotification(); });
  hub.On(1, [&] {
    waiter.LogIn();
    waiter.LoseConnection();
  });
  // Its claim is given up at the end of its turn, before the owner sees that it has to go.
  hub.On(1, [] {});
  may_leave.Notify();
  hub.Settle();
  EXPECT_THAT(hub.Story({&old, &waiter}), ElementsAre("ENTER 0", "LEAVE 0 DUPLICATE_LOGIN"));
  EXPECT_EQ(hub.hub().uids().size(), 0u);
}

TEST(Shard, AWaiterThatGivesUpWhileItsGrantIsUnderWayPassesTheUidOn) {
  TestHub hub(3);
  FakeSession& old = hub.LogIn(0, "alice");
  FakeSession& waiter = hub.Make(1, "alice");
  FakeSession& next = hub.Make(2, "alice");
  hub.On(1, [&] {
    waiter.LogIn();
    // The owner leaves and the grant waits behind this task.
    hub.On(0, [] {});
    hub.On(0, [] {});
    ASSERT_EQ(hub.hub().uids().Find("alice"), SessionIds{waiter.id()});
    hub.On(2, [&] { next.LogIn(); });
    waiter.LoseConnection();
  });
  hub.Settle();
  EXPECT_EQ(hub.StateOf(waiter), State::kAbandoned);
  EXPECT_THAT(hub.Story({&old, &waiter, &next}),
              ElementsAre("ENTER 0", "LEAVE 0 DUPLICATE_LOGIN", "ENTER 2"));
}

TEST(Shard, AnAbandonedClaimThatWasGrantedAtOnceIsFreeAgain) {
  TestHub hub(1, DuplicateLogin::kRejectNew);
  FakeSession& early = hub.Make(0, "alice");
  hub.On(0, [&] {
    EXPECT_EQ(hub.shard(0).Claim(early), UidDirectory::Claim::kGranted);
    early.Abandon();
  });
  EXPECT_EQ(hub.StateOf(hub.LogIn(0, "alice")), State::kEntered);
}

TEST(Shard, AnonymousSessionsNeverWaitForEachOther) {
  for (const DuplicateLogin policy : {DuplicateLogin::kKickOld, DuplicateLogin::kRejectNew}) {
    TestHub hub(2, policy);
    const FakeSession& one = hub.LogIn(0, "");
    const FakeSession& two = hub.LogIn(1, "");
    EXPECT_THAT(hub.Story({&one, &two}), ElementsAre("ENTER 0", "ENTER 1"));
    EXPECT_EQ(hub.hub().uids().size(), 0u);
  }
}

TEST(Shard, WithAllowBothSessionsOfAUidLive) {
  TestHub hub(2, DuplicateLogin::kAllow);
  FakeSession& one = hub.LogIn(0, "alice");
  const FakeSession& two = hub.LogIn(1, "alice");
  EXPECT_THAT(hub.Story({&one, &two}), ElementsAre("ENTER 0", "ENTER 1"));
  hub.On(0, [&] { one.LeaveFor(LeaveReason::kClientClosed); });
  hub.Settle();
  EXPECT_THAT(hub.hub().uids().Find("alice"), ElementsAre(two.id()));
}

TEST(Shard, WithRejectNewTheOldSessionStaysAndNothingIsWritten) {
  TestHub hub(2, DuplicateLogin::kRejectNew);
  const FakeSession& old = hub.LogIn(0, "alice");
  const FakeSession& young = hub.LogIn(1, "alice");
  EXPECT_EQ(hub.StateOf(young), State::kRejected);
  EXPECT_THAT(hub.Story({&old, &young}), ElementsAre("ENTER 0"));
}

TEST(Shard, CountsWhatItDoes) {
  TestHub hub(1);
  FakeSession& alice = hub.LogIn(0, "alice");
  hub.LogIn(0, "bob");
  hub.On(0, [&] {
    alice.Say("one");
    alice.Say("two");
    alice.LeaveFor(LeaveReason::kSlowConsumer);
  });
  const LoopMetrics& metrics = hub.metrics(0);
  EXPECT_EQ(metrics.sessions.value(), 1u);
  EXPECT_EQ(metrics.sessions_entered.value(), 2u);
  EXPECT_EQ(metrics.messages_in.value(), 2u);
  for (size_t reason = 0; reason < kLeaveReasons; ++reason) {
    EXPECT_EQ(metrics.sessions_left[reason].value(),
              reason == static_cast<size_t>(LeaveReason::kSlowConsumer) ? 1u : 0u);
  }
}

TEST(Shard, VisitsEachOfItsSessionsOnce) {
  TestHub hub(2);
  const FakeSession& one = hub.LogIn(0, "one");
  const FakeSession& two = hub.LogIn(0, "");
  hub.LogIn(1, "elsewhere");
  hub.On(0, [&] {
    std::vector<SessionId> visited;
    hub.shard(0).ForEach([&](const HubSession& session) { visited.push_back(session.id()); });
    EXPECT_THAT(visited, testing::UnorderedElementsAre(one.id(), two.id()));
  });
}

TEST(ShardDeathTest, ALeaveWithoutAnEnterIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        TestHub hub(1);
        FakeSession& alice = hub.Make(0, "alice");
        hub.On(0, [&] { alice.LeaveFor(LeaveReason::kClientClosed); });
      },
      "leaves without having entered");
}

}  // namespace
}  // namespace longwire
