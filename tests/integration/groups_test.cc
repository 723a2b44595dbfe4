// Consumer groups over real streams: who is sent what, when a partition moves, and what comes
// again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::ElementsAreArray;

v1::SubscribeEventsRequest Member(v1::StartAt start_at = v1::START_AT_EARLIEST,
                                  const std::string& group = "workers") {
  v1::SubscribeEventsRequest request = From(start_at);
  request.set_include_silent(false);
  request.set_consumer_group(group);
  return request;
}

v1::SubscribeEventsRequest AckingMember(v1::StartAt start_at = v1::START_AT_EARLIEST) {
  v1::SubscribeEventsRequest request = Member(start_at);
  request.set_manual_ack(true);
  return request;
}

v1::AckEventsRequest AckOf(int64_t subscription_id, std::vector<uint64_t> sequences,
                           uint64_t up_to = 0) {
  v1::AckEventsRequest request;
  request.set_subscription_id(subscription_id);
  request.mutable_sequences()->Add(sequences.begin(), sequences.end());
  request.set_up_to(up_to);
  return request;
}

// That no more than these events come for a while.
::testing::AssertionResult StaysAt(EventCollector& collector, size_t events) {
  if (!collector.WaitFor([&](const auto& seen) { return seen.events.size() > events; }, kQuiet)) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << collector.seen().ToString();
}

// Waits until these have been sent so many events together.
::testing::AssertionResult HaveSeen(const std::vector<EventCollector*>& collectors, size_t events) {
  return EventuallySees(
      [&] {
        size_t sum = 0;
        for (const EventCollector* collector : collectors) sum += collector->seen().events.size();
        return sum;
      },
      events);
}

class Groups : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
  }

  // A client of this user, which says these things.
  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/?uid=" + uid)); }
  RpcOutcome Ack(const v1::AckEventsRequest& request) { return AckEvents(stub(), request); }
  // Acknowledges the last event that came, and all before.
  RpcOutcome AckAll(const EventCollector& member) {
    const auto seen = member.seen();
    return Ack(AckOf(seen.subscription_id, {}, seen.events.back().sequence()));
  }
};

TEST_F(Groups, TheOnlyMemberIsSentEverythingInOrder) {
  for (int i = 0; i < 20; ++i) JoinAs("u" + std::to_string(i));
  EventCollector member(stub(), Member());
  ASSERT_TRUE(member.WaitForEvents(20));
  EXPECT_EQ(Sequences(member.seen().events), Sequences(events().seen().events));
  EXPECT_TRUE(member.WaitUntilCaughtUp());
}

TEST_F(Groups, MembersShareTheEventsAndEachUsersGoToOne) {
  EventCollector one(stub(), Member());
  EventCollector two(stub(), Member());
  EventCollector three(stub(), Member());
  for (int i = 0; i < 60; ++i) {
    Peer& peer = JoinAs("u" + std::to_string(i));
    for (int n = 0; n < 3; ++n) {
      peer.ws.SendText(std::to_string(n));
      events().Next(v1::EVENT_TYPE_ROUTE);
    }
  }
  std::map<std::string, const EventCollector*> holder_of;
  std::multiset<uint64_t> all;
  for (EventCollector* member : {&one, &two, &three}) {
    ASSERT_TRUE(member->WaitUntilCaughtUp());
    EXPECT_FALSE(member->seen().events.empty()) << "its share is a third, not nothing";
    uint64_t last = 0;
    for (const v1::Event& event : member->seen().events) {
      EXPECT_GT(event.sequence(), last);
      last = event.sequence();
      all.insert(last);
      EXPECT_EQ(holder_of.emplace(event.uid(), member).first->second, member) << event.uid();
    }
  }
  const auto expected = Sequences(events().seen().events);
  EXPECT_EQ(all, std::multiset<uint64_t>(expected.begin(), expected.end()));
}

TEST_F(Groups, TwoGroupsAndAPlainSubscriberEachGetEverything) {
  EventCollector chat(stub(), Member(v1::START_AT_EARLIEST, "chat"));
  EventCollector audit(stub(), Member(v1::START_AT_EARLIEST, "audit"));
  for (int i = 0; i < 20; ++i) JoinAs("u" + std::to_string(i));
  for (EventCollector* group : {&chat, &audit}) {
    ASSERT_TRUE(group->WaitForEvents(20));
    EXPECT_EQ(Sequences(group->seen().events), Sequences(events().seen().events));
  }
}

TEST_F(Groups, AMemberStopsAtItsWindowAndGoesOnAsItAcknowledges) {
  v1::SubscribeEventsRequest request = AckingMember();
  request.set_unacked_events_max(3);
  EventCollector member(stub(), request);
  for (int i = 0; i < 8; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(member.WaitForEvents(3));
  EXPECT_TRUE(StaysAt(member, 3));
  const auto seen = member.seen();
  EXPECT_TRUE(Ack(AckOf(seen.subscription_id, {seen.events[0].sequence()})).ok());
  ASSERT_TRUE(member.WaitForEvents(4));
  ASSERT_TRUE(AckAll(member).ok());
  ASSERT_TRUE(member.WaitForEvents(7));
  ASSERT_TRUE(AckAll(member).ok());
  ASSERT_TRUE(member.WaitForEvents(8));
  ASSERT_TRUE(AckAll(member).ok());
  EXPECT_TRUE(member.WaitUntilCaughtUp());
  EXPECT_EQ(Sequences(member.seen().events), Sequences(events().seen().events));
}

TEST_F(Groups, APlainSubscriberMayHaveAWindowToo) {
  v1::SubscribeEventsRequest request = From(v1::START_AT_EARLIEST);
  request.set_manual_ack(true);
  request.set_unacked_events_max(2);
  EventCollector plain(stub(), request);
  for (int i = 0; i < 4; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(plain.WaitForEvents(2));
  EXPECT_TRUE(StaysAt(plain, 2));
  ASSERT_TRUE(AckAll(plain).ok());
  ASSERT_TRUE(plain.WaitForEvents(4));
}

TEST_F(Groups, WhatADeadMemberDidNotAcknowledgeComesAgainInOrderBeforeNewerEvents) {
  Peer& alice = JoinAs("alice");
  auto member = std::make_unique<EventCollector>(stub(), AckingMember());
  for (int i = 0; i < 5; ++i) alice.ws.SendText(std::to_string(i));
  ASSERT_TRUE(member->WaitForEvents(6));
  const std::vector<uint64_t> sequences = Sequences(member->seen().events);
  ASSERT_TRUE(Ack(AckOf(member->seen().subscription_id, {sequences[3]}, sequences[1])).ok());
  member.reset();
  alice.ws.SendText("newer");
  EventCollector next(stub(), AckingMember());
  ASSERT_TRUE(next.WaitForEvents(5));
  std::vector<uint64_t> expected(sequences.begin() + 2, sequences.end());
  expected.push_back(sequences.back() + 1);
  EXPECT_THAT(Sequences(next.seen().events), ElementsAreArray(expected))
      << "it resumes behind the last event up to which all are acknowledged";
}

TEST_F(Groups, ADeadMembersAckIsRefusedAndItsEventsGoToTheOthers) {
  auto dying = std::make_unique<EventCollector>(stub(), AckingMember());
  EventCollector living(stub(), AckingMember());
  for (int i = 0; i < 40; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(HaveSeen({dying.get(), &living}, 40));
  const auto seen = dying->seen();
  ASSERT_FALSE(seen.events.empty());
  ASSERT_TRUE(AckAll(living).ok());
  dying.reset();
  ASSERT_TRUE(living.WaitForEvents(40));
  EXPECT_THAT(Ack(AckOf(seen.subscription_id, {seen.events[0].sequence()})),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "SUBSCRIPTION_GONE"));
}

TEST_F(Groups, APartitionMovesOnlyWhenWhatWasSentOfItIsAcknowledged) {
  EventCollector old(stub(), AckingMember());
  for (int i = 0; i < 40; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(old.WaitForEvents(40));
  EventCollector fresh(stub(), AckingMember());
  for (int i = 0; i < 40; ++i) JoinAs("v" + std::to_string(i));
  // Some of them are of partitions that had nothing to wait for; none is of a user of before.
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(Kick(KickOf("u" + std::to_string(i))).ok());
    ASSERT_TRUE(events().WaitForLeaves(static_cast<size_t>(i) + 1));
  }
  for (const v1::Event& event : fresh.seen().events) EXPECT_EQ(event.uid()[0], 'v');
  ASSERT_TRUE(AckAll(old).ok());
  // Now the rest comes, to the one or the other, and nothing twice.
  ASSERT_TRUE(HaveSeen({&old, &fresh}, 120));
  std::set<uint64_t> all;
  size_t leaves_moved = 0;
  for (const EventCollector* member : {&old, &fresh}) {
    for (const v1::Event& event : member->seen().events) {
      EXPECT_TRUE(all.insert(event.sequence()).second) << event.sequence() << " came twice";
      leaves_moved += member == &fresh && event.has_leave();
    }
  }
  EXPECT_EQ(all.size(), 120u);
  EXPECT_GT(leaves_moved, 0u);
}

TEST_F(Groups, AMemberThatNeverAcknowledgesIsCutOffAndHoldsUpOnlyItsOwn) {
  v1::SubscribeEventsRequest request = AckingMember();
  request.mutable_ack_timeout()->set_seconds(2);
  EventCollector stuck(stub(), request);
  EventCollector healthy(stub(), AckingMember());
  for (int i = 0; i < 40; ++i) JoinAs("u" + std::to_string(i));
  ASSERT_TRUE(HaveSeen({&healthy, &stuck}, 40));
  const auto seen = stuck.seen();
  ASSERT_FALSE(seen.events.empty());
  ASSERT_TRUE(AckAll(healthy).ok());
  // What is the other's goes on although this one is stuck.
  const std::string others = healthy.seen().events.back().uid();
  ASSERT_TRUE(Kick(KickOf(others)).ok());
  ASSERT_TRUE(healthy.WaitForLeaves(1));
  ASSERT_TRUE(AckAll(healthy).ok());
  ASSERT_TRUE(stuck.WaitForEnd());
  EXPECT_THAT(stuck.seen().outcome, IsRefusal(grpc::StatusCode::ABORTED, "MEMBER_EXPIRED"));
  ASSERT_TRUE(healthy.WaitForEvents(41));
  const std::vector<uint64_t> sequences = Sequences(healthy.seen().events);
  EXPECT_THAT(std::set<uint64_t>(sequences.begin(), sequences.end()), ::testing::SizeIs(41));
}

TEST_F(Groups, AMemberThatDoesNotReadIsCutOffToo) {
  v1::SubscribeEventsRequest request = Member();
  request.mutable_ack_timeout()->set_seconds(1);
  const auto own_connection = v1::Gateway::NewStub(gateway().NewChannel());
  EventCollector blocked(*own_connection, request);
  blocked.PauseReading();
  Peer& alice = JoinAs("alice");
  // More than gRPC's windows take.
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(alice.ws.SendText(std::string(60'000, 'x')));
    events().Next(v1::EVENT_TYPE_ROUTE);
  }
  EventCollector other(stub(), Member());
  EXPECT_TRUE(other.WaitFor([&](const auto& seen) { return !seen.events.empty(); }))
      << "the partition of alice has come over";
  blocked.ResumeReading();
  EXPECT_TRUE(blocked.WaitForEnd());
}

TEST_F(Groups, AGroupGoesOnFromItsPlaceWhenItWasEmpty) {
  JoinAs("alice");
  {
    EventCollector first(stub(), AckingMember());
    ASSERT_TRUE(first.WaitForEvents(1));
    ASSERT_TRUE(AckAll(first).ok());
  }
  Peer& bob = JoinAs("bob");
  EventCollector second(stub(), AckingMember(v1::START_AT_LATEST));
  ASSERT_TRUE(second.WaitForEvents(1));
  EXPECT_EQ(second.seen().events[0].session_id(), bob.id());
}

TEST_F(Groups, APlaceThatRetentionHasPassedIsToldAsAGap) {
  Options options = TestGateway::QuickOptions();
  options.event_log_bytes_max = 256 * 1024;
  Start(options, {.auth = std::make_shared<QueryAuth>()});
  Peer& alice = JoinAs("alice");
  {
    EventCollector first(stub(), AckingMember());
    ASSERT_TRUE(first.WaitForEvents(1));
  }
  for (int i = 0; i < 20; ++i) {
    alice.ws.SendText(std::string(60'000, 'x'));
    events().Next(v1::EVENT_TYPE_ROUTE);
  }
  EventCollector second(stub(), AckingMember());
  // The unacknowledged event is missing, too. Partitions come over one by one, and so may the news.
  ASSERT_TRUE(second.WaitFor([](const auto& seen) {
    return !seen.gaps.empty() && seen.gaps.back().first_missing() == 1;
  }));
  const v1::Gap gap = second.seen().gaps.back();
  EXPECT_EQ(gap.reason(), v1::GAP_REASON_RETENTION);
  ASSERT_TRUE(second.WaitFor([](const auto& seen) { return !seen.events.empty(); }));
  EXPECT_EQ(second.seen().events[0].sequence(), gap.next_available());
}

TEST_F(Groups, ACursorOfAnotherLogIsToldAsARestart) {
  JoinAs("alice");
  v1::SubscribeEventsRequest request = AckingMember();
  *request.mutable_after() = CursorAt("the log before", 77);
  EventCollector member(stub(), request);
  ASSERT_TRUE(member.WaitForEvents(1));
  ASSERT_EQ(member.seen().gaps.size(), 1u);
  EXPECT_EQ(member.seen().gaps[0].reason(), v1::GAP_REASON_RESTART);
  EXPECT_EQ(member.seen().snapshots_done, 0u);
}

TEST_F(Groups, TypesAreTheGroupsAndSilentLeavesThoseWhoAsk) {
  v1::SubscribeEventsRequest request = Member();
  request.add_types(v1::EVENT_TYPE_LEAVE);
  EventCollector leaves(stub(), request);
  Peer& alice = JoinAs("alice");
  Peer& bob = JoinAs("bob");
  v1::KickRequest silent = KickOf(alice.id());
  silent.set_silent(true);
  ASSERT_TRUE(Kick(silent).ok());
  ASSERT_TRUE(Kick(KickOf(bob.id())).ok());
  ASSERT_TRUE(leaves.WaitForEvents(1));
  EXPECT_EQ(leaves.seen().events[0].uid(), "bob") << leaves.seen().ToString();
  EXPECT_TRUE(leaves.WaitUntilCaughtUp());
}

TEST_F(Groups, WhatCannotBeIsRefused) {
  const auto refused = [&](const v1::SubscribeEventsRequest& request, grpc::StatusCode code,
                           const char* reason) {
    EventCollector collector(stub(), request);
    ASSERT_TRUE(collector.WaitForEnd());
    EXPECT_THAT(collector.seen().outcome, IsRefusal(code, reason));
    EXPECT_EQ(collector.seen().responses, 0u);
  };
  refused(Member(v1::START_AT_EARLIEST, "no good"), grpc::StatusCode::INVALID_ARGUMENT,
          "BAD_GROUP_NAME");
  refused(Member(v1::START_AT_SNAPSHOT), grpc::StatusCode::INVALID_ARGUMENT, "START_INVALID");
  v1::SubscribeEventsRequest beyond = Member();
  *beyond.mutable_after() = CursorAt(events().seen().log_id, 1'000);
  refused(beyond, grpc::StatusCode::OUT_OF_RANGE, "CURSOR_BEYOND_HEAD");

  EventCollector member(stub(), Member());
  refused(AckingMember(), grpc::StatusCode::FAILED_PRECONDITION, "GROUP_MISMATCH");
  v1::SubscribeEventsRequest types = Member();
  types.add_types(v1::EVENT_TYPE_ENTER);
  refused(types, grpc::StatusCode::FAILED_PRECONDITION, "GROUP_MISMATCH");
  EXPECT_FALSE(member.seen().ended) << "the member is not touched";
}

TEST_F(Groups, AcksThatCannotBeAreRefusedAndChangeNothing) {
  EventCollector automatic(stub(), Member(v1::START_AT_EARLIEST, "automatic"));
  EventCollector member(stub(), AckingMember());
  JoinAs("alice");
  ASSERT_TRUE(member.WaitForEvents(1));
  const auto seen = member.seen();
  const uint64_t sequence = seen.events[0].sequence();
  const auto invalid = IsRefusal(grpc::StatusCode::INVALID_ARGUMENT, "ACK_INVALID");
  EXPECT_THAT(Ack(AckOf(seen.subscription_id, {})), invalid);
  EXPECT_THAT(Ack(AckOf(seen.subscription_id, {sequence, sequence + 1})), invalid);
  EXPECT_THAT(Ack(AckOf(seen.subscription_id, {}, sequence + 1)), invalid);
  EXPECT_THAT(Ack(AckOf(seen.subscription_id, {0}, 0)), invalid);
  EXPECT_THAT(Ack(AckOf(automatic.seen().subscription_id, {sequence})), invalid);
  for (const int64_t id : {int64_t{0}, int64_t{1}, int64_t{-1}, seen.subscription_id + 1}) {
    EXPECT_THAT(Ack(AckOf(id, {sequence})),
                IsRefusal(grpc::StatusCode::NOT_FOUND, "SUBSCRIPTION_GONE"));
  }
  EXPECT_TRUE(Ack(AckOf(seen.subscription_id, {sequence})).ok());
  EXPECT_TRUE(Ack(AckOf(seen.subscription_id, {sequence}, sequence)).ok()) << "again";
}

TEST_F(Groups, ADrainDeliversTheLastLeavesToTheGroupAndWaitsForItsAcks) {
  EventCollector member(stub(), AckingMember());
  for (int i = 0; i < 10; ++i) JoinAs("u" + std::to_string(i));
  std::jthread drain([&] { gateway().gateway().Drain(); });
  ASSERT_TRUE(member.WaitForLeaves(10));
  EXPECT_FALSE(member.seen().ended) << "it can still acknowledge";
  ASSERT_TRUE(AckAll(member).ok());
  ASSERT_TRUE(member.WaitForEnd());
  EXPECT_THAT(member.seen().outcome, IsRefusal(grpc::StatusCode::UNAVAILABLE, "GATEWAY_DRAINING"));
}

}  // namespace
}  // namespace longwire::test
