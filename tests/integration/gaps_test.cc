// What a subscriber is told when events are missing: retention, a new log, and snapshots.
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Seen = EventCollector::Seen;

constexpr size_t kLogBytesMax = 1024 * 1024;
constexpr int kMessages = 100;
constexpr size_t kMessageBytes = 60'000;  // All of them are six times what the log retains.

class Gaps : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.event_log_bytes_max = kLogBytesMax;
    Start(options, {.auth = std::make_shared<QueryAuth>()});
  }

  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/?uid=" + uid)); }

  // Messages "0 xxx…", "1 xxx…", until the first of them are no longer retained.
  void FloodLog(Peer& peer) {
    for (int i = 0; i < kMessages; ++i) {
      std::string text = std::to_string(i) + " ";
      text.resize(kMessageBytes, 'x');
      ASSERT_TRUE(peer.ws.SendText(text));
      // One by one, so that the reader that sees all is not overrun itself.
      events().Next(v1::EVENT_TYPE_ROUTE);
    }
  }
};

int NumberOf(const v1::Event& event) {
  return std::stoi(event.routed().message().text());
}

// Every number that is missing between `first` and kMessages has to be paid for by a gap.
::testing::AssertionResult NothingIsMissingInSilence(const Seen& seen, int next) {
  size_t jumps = 0;
  for (const v1::Event& event : seen.events) {
    if (event.type() != v1::EVENT_TYPE_ROUTE) continue;
    if (NumberOf(event) < next) {
      return ::testing::AssertionFailure() << NumberOf(event) << " came again";
    }
    jumps += NumberOf(event) > next;
    next = NumberOf(event) + 1;
  }
  if (next != kMessages) return ::testing::AssertionFailure() << "the last seen is " << next - 1;
  if (jumps > seen.gaps.size()) {
    return ::testing::AssertionFailure() << jumps << " jumps and " << seen.gaps.size() << " gaps";
  }
  return ::testing::AssertionSuccess();
}

TEST_F(Gaps, AreToldWhenACursorIsOlderThanTheLog) {
  Peer& peer = JoinAs("alice");
  const v1::Cursor old = CursorAt(events().seen().log_id, peer.enter.sequence());
  FloodLog(peer);
  EventCollector late(stub(), From(old));
  ASSERT_TRUE(late.WaitUntilCaughtUp());
  const Seen seen = late.seen();
  ASSERT_THAT(seen.gaps, SizeIs(1));
  EXPECT_EQ(seen.gaps[0].reason(), v1::GAP_REASON_RETENTION);
  EXPECT_EQ(seen.gaps[0].first_missing(), peer.enter.sequence() + 1);
  ASSERT_FALSE(seen.events.empty());
  EXPECT_EQ(seen.gaps[0].next_available(), seen.events[0].sequence());
  EXPECT_TRUE(NothingIsMissingInSilence(seen, 0));
}

TEST_F(Gaps, AreNoneFromEarliest) {
  Peer& peer = JoinAs("alice");
  FloodLog(peer);
  EventCollector late(stub(), From(v1::START_AT_EARLIEST));
  ASSERT_TRUE(late.WaitUntilCaughtUp());
  EXPECT_THAT(late.seen().gaps, IsEmpty());
  EXPECT_EQ(NumberOf(late.seen().events.back()), kMessages - 1);
  EXPECT_LT(late.seen().events.size(), size_t{kMessages});
}

TEST_F(Gaps, AreToldToASubscriberThatLaggedTooFar) {
  const auto slow_stub = v1::Gateway::NewStub(gateway().NewChannel());
  EventCollector slow(*slow_stub, From(v1::START_AT_LATEST));
  slow.PauseReading();
  Peer& peer = JoinAs("alice");
  FloodLog(peer);
  slow.ResumeReading();
  ASSERT_TRUE(slow.WaitFor([](const Seen& seen) {
    return !seen.events.empty() && seen.events.back().has_routed() &&
           NumberOf(seen.events.back()) == kMessages - 1;
  }));
  const Seen seen = slow.seen();
  ASSERT_FALSE(seen.gaps.empty());
  EXPECT_EQ(seen.gaps[0].reason(), v1::GAP_REASON_RETENTION);
  EXPECT_TRUE(NothingIsMissingInSilence(seen, 0));
  EXPECT_FALSE(seen.covered_went_back);
}

TEST_F(Gaps, OfAnotherLogAreFollowedByASnapshot) {
  Peer& alice = JoinAs("alice");
  Peer& gone = JoinAs("gone");
  Peer& bob = JoinAs("bob");
  gone.ws.Abort();
  NextLeaveOf(gone);
  EventCollector returned(stub(), From(CursorAt("a log of yesterday", 123'456'789)));
  ASSERT_TRUE(returned.WaitFor([](const Seen& seen) { return seen.snapshots_done > 0; }));
  Seen seen = returned.seen();
  ASSERT_THAT(seen.gaps, SizeIs(1));
  EXPECT_EQ(seen.gaps[0].reason(), v1::GAP_REASON_RESTART);
  ASSERT_THAT(seen.events, SizeIs(2));
  EXPECT_TRUE(seen.events[0].snapshot() && seen.events[1].snapshot());
  EXPECT_THAT((std::set{seen.events[0].session_id(), seen.events[1].session_id()}),
              UnorderedElementsAre(alice.id(), bob.id()));
  EXPECT_EQ(seen.log_id, events().seen().log_id);
  alice.ws.SendText("and on");
  EXPECT_TRUE(returned.WaitForEvents(3));
  EXPECT_EQ(returned.seen().events.back().routed().message().text(), "and on");
}

class Snapshots : public Gaps {};

TEST_F(Snapshots, OfNobodyAreDoneAtOnce) {
  EventCollector fresh(stub(), From(v1::START_AT_SNAPSHOT));
  EXPECT_TRUE(fresh.WaitFor([](const Seen& seen) { return seen.snapshots_done == 1; }));
  EXPECT_THAT(fresh.seen().events, IsEmpty());
}

TEST_F(Snapshots, TellEachLiveSessionOnceAndThenWhatFollows) {
  Peer& alice = Join(HttpRequest::Upgrade("/room?uid=alice&a=1").Set("X-Tag", "t"));
  Peer& bob = JoinAs("bob");
  EventCollector fresh(stub(), From(v1::START_AT_SNAPSHOT));
  ASSERT_TRUE(fresh.WaitFor([](const Seen& seen) { return seen.snapshots_done == 1; }));
  ASSERT_TRUE(fresh.WaitForEvents(2));
  const Seen seen = fresh.seen();
  ASSERT_THAT(seen.events, SizeIs(2));
  EXPECT_EQ(seen.events_before_snapshot_done, 2u);
  std::map<int64_t, v1::Event> told;
  for (const v1::Event& event : seen.events) told[event.session_id()] = event;
  ASSERT_TRUE(told.contains(alice.id()) && told.contains(bob.id()));
  const v1::Event& enter = told[alice.id()];
  EXPECT_TRUE(enter.snapshot());
  EXPECT_EQ(enter.sequence(), 0u);
  EXPECT_EQ(enter.type(), v1::EVENT_TYPE_ENTER);
  EXPECT_EQ(enter.uid(), "alice");
  EXPECT_EQ(enter.enter().path(), "/room");
  EXPECT_EQ(enter.enter().remote_address(), alice.enter.enter().remote_address());
  EXPECT_EQ(enter.enter().query(), "");
  EXPECT_THAT(enter.enter().headers(), IsEmpty());

  bob.ws.SendClose(1000);
  NextLeaveOf(bob);
  ASSERT_TRUE(fresh.WaitForEvents(3));
  EXPECT_EQ(fresh.seen().events[2].type(), v1::EVENT_TYPE_LEAVE);
  EXPECT_FALSE(fresh.seen().events[2].snapshot());
  EXPECT_EQ(fresh.seen().snapshots_done, 1u);
}

TEST_F(Snapshots, MayBeFiltered) {
  Peer& peer = JoinAs("alice");
  v1::SubscribeEventsRequest request = From(v1::START_AT_SNAPSHOT);
  request.add_types(v1::EVENT_TYPE_ENTER);
  request.add_types(v1::EVENT_TYPE_LEAVE);
  EventCollector fresh(stub(), request);
  fresh.Next(v1::EVENT_TYPE_ENTER);
  peer.ws.SendText("not for you");
  peer.ws.SendClose(1000);
  fresh.Next(v1::EVENT_TYPE_LEAVE);
}

TEST_F(Snapshots, LeaveACursorToComeBackWith) {
  Peer& peer = JoinAs("alice");
  v1::Cursor cursor;
  {
    EventCollector fresh(stub(), From(v1::START_AT_SNAPSHOT));
    ASSERT_TRUE(fresh.WaitFor([](const Seen& seen) { return seen.snapshots_done == 1; }));
    cursor = fresh.cursor();
  }
  peer.ws.SendText("meanwhile");
  EventCollector back(stub(), From(cursor));
  EXPECT_EQ(back.Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "meanwhile");
}

// Snapshots taken while sessions come and go: no hole, nothing twice.
TEST_F(Snapshots, AreConsistentWhileSessionsComeAndGo) {
  std::vector<WsClient> staying(20);
  for (WsClient& client : staying) {
    ASSERT_THAT(client.Open(gateway().ws(), HttpRequest::Upgrade("/?uid=")), HasStatus(101));
  }
  std::vector<std::unique_ptr<EventCollector>> fresh;
  {
    const std::jthread churning([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        WsClient().Open(gateway().ws(), HttpRequest::Upgrade("/?uid="));
      }
    });
    for (int i = 0; i < 30; ++i) {
      fresh.push_back(std::make_unique<EventCollector>(stub(), From(v1::START_AT_SNAPSHOT)));
    }
  }
  for (WsClient& client : staying) client.Close();
  for (const auto& collector : fresh) {
    ASSERT_TRUE(collector->WaitFor([](const Seen& seen) {
      return seen.snapshots_done == 1 && seen.leaves * 2 == seen.events.size();
    }));
    std::set<int64_t> live;
    for (const v1::Event& event : collector->seen().events) {
      if (event.type() == v1::EVENT_TYPE_ENTER) {
        ASSERT_TRUE(live.insert(event.session_id()).second) << event.session_id() << " told twice";
      } else {
        ASSERT_EQ(live.erase(event.session_id()), 1u) << event.session_id() << " was never told";
      }
    }
    EXPECT_THAT(live, IsEmpty());
  }
}

}  // namespace
}  // namespace longwire::test
