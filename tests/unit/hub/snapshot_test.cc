#include "server/hub/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "server/events/event_reader.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;
using testing::IsEmpty;
using testing::SizeIs;

Snapshot Take(Hub& hub) {
  Snapshot taken;
  absl::Notification done;
  TakeSnapshot(hub, [&](Snapshot snapshot) {
    taken = std::move(snapshot);
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  return taken;
}

std::vector<v1::Event> Parse(const std::string& framed) {
  v1::SubscribeEventsResponse response;
  EXPECT_TRUE(response.ParseFromString(framed));
  return {response.events().begin(), response.events().end()};
}

std::vector<v1::Event> EventsOf(const Snapshot& snapshot) {
  std::vector<v1::Event> events;
  for (const std::string& piece : snapshot.framed_pieces) {
    for (v1::Event& event : Parse(piece)) events.push_back(std::move(event));
  }
  return events;
}

// What follows a snapshot in the log.
std::vector<v1::Event> EventsBehind(const Snapshot& snapshot, const EventLog& log) {
  EventReader reader(log, {.types = EventFilter::kAllTypes, .include_silent = true},
                     snapshot.next());
  reader.SkipUpTo(snapshot.positions);
  EventReader::Chunk chunk;
  std::vector<v1::Event> events;
  while (reader.Read(1024 * 1024, chunk)) {
    EXPECT_FALSE(chunk.gap);
    for (v1::Event& event : Parse(chunk.framed_events)) events.push_back(std::move(event));
  }
  return events;
}

TEST(Snapshot, OfAHubWithoutSessionsHasNothingButItsPlace) {
  TestHub hub(3);
  const Snapshot snapshot = Take(hub.hub());
  EXPECT_THAT(snapshot.framed_pieces, IsEmpty());
  EXPECT_THAT(snapshot.positions, SizeIs(3));
  EXPECT_EQ(snapshot.next(), 1u);
}

TEST(Snapshot, TellsEachLiveSessionAsAnEnterWithoutASequence) {
  TestHub hub(2);
  v1::Enter enter;
  enter.set_path("/chat");
  (*enter.mutable_attributes())["role"] = "admin";
  (*enter.mutable_headers())["host"] = "example.org";
  const FakeSession& alice = hub.LogIn(0, "alice", enter);
  const FakeSession& anonymous = hub.LogIn(1, "");
  FakeSession& gone = hub.LogIn(1, "gone");
  hub.On(1, [&] { gone.LoseConnection(); });

  const Snapshot snapshot = Take(hub.hub());
  std::set<SessionId> told;
  for (const v1::Event& event : EventsOf(snapshot)) {
    told.insert(event.session_id());
    EXPECT_TRUE(event.snapshot());
    EXPECT_EQ(event.sequence(), 0u);
    EXPECT_EQ(event.type(), v1::EVENT_TYPE_ENTER);
    EXPECT_THAT(event.enter().headers(), IsEmpty());
    // When it entered, not when it was shown.
    EXPECT_EQ(event.time().seconds(), 1'800'000'000);
    EXPECT_EQ(event.time().nanos(), 250'000'000);
    if (event.session_id() != alice.id()) continue;
    EXPECT_EQ(event.uid(), "alice");
    EXPECT_EQ(event.enter().path(), "/chat");
    EXPECT_EQ(event.enter().attributes().at("role"), "admin");
  }
  EXPECT_EQ(told, (std::set<SessionId>{alice.id(), anonymous.id()}));
  EXPECT_THAT(EventsBehind(snapshot, hub.log()), IsEmpty());
}

TEST(Snapshot, StandsBehindAllThatItsShardHasDoneInTheSameTurn) {
  TestHub hub(1);
  FakeSession& early = hub.LogIn(0, "early");
  FakeSession& late = hub.Make(0, "late");
  absl::Notification done;
  Snapshot snapshot;
  // The snapshot is taken in the turn in which these two happen, before the turn's end.
  hub.On(0, [&] {
    TakeSnapshot(hub.hub(), [&](Snapshot taken) {
      snapshot = std::move(taken);
      done.Notify();
    });
    hub.loop(0).Post([&] { late.Say("after"); });
    early.LoseConnection();
    late.LogIn();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
  hub.Settle();
  const std::vector<v1::Event> told = EventsOf(snapshot);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].session_id(), late.id());
  const std::vector<v1::Event> behind = EventsBehind(snapshot, hub.log());
  ASSERT_THAT(behind, SizeIs(1));
  EXPECT_EQ(behind[0].routed().message().text(), "after");
}

TEST(Snapshot, IsCutIntoPiecesThatEachFitAResponse) {
  TestHub hub(2);
  v1::Enter enter;
  (*enter.mutable_attributes())["much"] = std::string(kAttributesBytesMax - 4, 'x');
  constexpr int kSessions = 700;  // Some 2.8 MiB.
  for (int i = 0; i < kSessions; ++i) {
    hub.On(i % 2, [&, i] {
      FakeSession& session = hub.MakeHere(i % 2, "");
      session.enter = enter;
      session.LogIn();
    });
  }
  const Snapshot snapshot = Take(hub.hub());
  EXPECT_GT(snapshot.framed_pieces.size(), 2u);
  EXPECT_LT(snapshot.framed_pieces.size(), 20u) << "a piece holds many";
  for (const std::string& piece : snapshot.framed_pieces)
    EXPECT_LT(piece.size(), kResponseBytesMax);
  EXPECT_THAT(EventsOf(snapshot), SizeIs(kSessions));
}

// Sessions come, talk and go on every loop while snapshots are taken. Whoever follows one from its
// place on must find each ENTER new, each ROUTE and LEAVE of somebody he knows, and in the end know
// exactly those who are there: no hole, and nothing told twice.
TEST(Snapshot, FollowingTheLogFromItLeavesNoHoleAndTellsNothingTwice) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  constexpr uint32_t kShards = 3;
  constexpr int kTurns = 3'000;
  TestHub hub(kShards);
  struct Crowd {
    std::mt19937_64 random;
    std::vector<FakeSession*> live;
    std::function<void(int)> turn;
  };
  std::vector<Crowd> crowds(kShards);
  absl::BlockingCounter working(kShards);
  for (uint32_t i = 0; i < kShards; ++i) {
    Crowd& crowd = crowds[i];
    crowd.random.seed(seed + i);
    // One act a turn of the loop, so that the log grows in many small steps.
    crowd.turn = [&, i](int left) {
      const uint64_t what = crowd.random();
      if (crowd.live.empty() || what % 5 < 2) {
        crowd.live.push_back(&hub.MakeHere(i, what % 2 == 0 ? "" : "u" + std::to_string(what)));
        crowd.live.back()->LogIn();
      } else {
        const size_t at = what / 8 % crowd.live.size();
        if (what % 5 == 2) {
          crowd.live[at]->Say("hi");
        } else {
          crowd.live[at]->LoseConnection();
          crowd.live.erase(crowd.live.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      if (left > 0) {
        hub.loop(i).Post([&crowd, left] { crowd.turn(left - 1); });
      } else {
        working.DecrementCount();
      }
    };
    hub.loop(i).Post([&crowd] { crowd.turn(kTurns); });
  }
  std::vector<Snapshot> snapshots;
  for (int i = 0; i < 50; ++i) snapshots.push_back(Take(hub.hub()));
  working.Wait();
  hub.Settle();

  std::set<SessionId> live;
  for (const Crowd& crowd : crowds) {
    for (const FakeSession* session : crowd.live) live.insert(session->id());
  }
  for (const Snapshot& snapshot : snapshots) {
    std::set<SessionId> known;
    for (const v1::Event& event : EventsOf(snapshot)) {
      ASSERT_TRUE(known.insert(event.session_id()).second) << "seed " << seed << ": told twice";
    }
    for (const v1::Event& event : EventsBehind(snapshot, hub.log())) {
      switch (event.type()) {
        case v1::EVENT_TYPE_ENTER:
          ASSERT_TRUE(known.insert(event.session_id()).second) << "seed " << seed << ": told twice";
          break;
        case v1::EVENT_TYPE_LEAVE:
          ASSERT_TRUE(known.erase(event.session_id())) << "seed " << seed << ": a hole";
          break;
        default:
          ASSERT_TRUE(known.contains(event.session_id())) << "seed " << seed << ": a hole";
      }
    }
    ASSERT_EQ(known, live) << "seed " << seed;
  }
}

}  // namespace
}  // namespace longwire
