// The promises of order, under logins of the same few users on several loops at once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;

// Where a session is by its events.
enum class Phase { kUnknown, kEntered, kLeft };

TEST(Takeover, ManyLoginsOnManyLoopsKeepEachSessionsOrderAndOneSessionAUid) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  constexpr uint32_t kShards = 3;
  constexpr int kRounds = 400;
  TestHub hub(kShards);
  std::vector<std::vector<FakeSession*>> sessions(kShards);

  // Each loop works on its own sessions, with nobody in step with anybody.
  std::vector<std::mt19937_64> random;
  for (uint32_t i = 0; i < kShards; ++i) random.emplace_back(seed + i);
  for (int round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kShards; ++i) {
      FakeSession& session = hub.Make(i, "user" + std::to_string(random[i]() % 4));
      const uint64_t what = random[i]();
      hub.loop(i).Post([&session, &mine = sessions[i], what] {
        mine.push_back(&session);
        session.LogIn();
        FakeSession& other = *mine[what / 8 % mine.size()];
        if (other.state == FakeSession::State::kEntered) other.Say("hi");
        if (what % 8 == 0) other.LoseConnection();
      });
    }
  }
  hub.Settle();
  for (uint32_t i = 0; i < kShards; ++i) {
    hub.On(i, [&] {
      for (FakeSession* session : sessions[i]) {
        if (session->state != FakeSession::State::kWaiting) continue;
        ADD_FAILURE() << "seed " << seed << ": a login still waits although all has settled";
      }
      for (FakeSession* session : sessions[i]) session->LoseConnection();
    });
  }
  hub.Settle();

  std::map<SessionId, Phase> phases;
  std::map<std::string, SessionId> owners;
  for (const v1::Event& event : hub.Events()) {
    Phase& phase = phases[event.session_id()];
    SessionId& owner = owners[event.uid()];
    switch (event.type()) {
      case v1::EVENT_TYPE_ENTER:
        ASSERT_EQ(phase, Phase::kUnknown) << "seed " << seed << ": two ENTERs";
        ASSERT_EQ(owner, 0) << "seed " << seed << ": ENTER before the LEAVE of the owner";
        phase = Phase::kEntered;
        owner = event.session_id();
        break;
      case v1::EVENT_TYPE_LEAVE:
        ASSERT_EQ(phase, Phase::kEntered) << "seed " << seed;
        phase = Phase::kLeft;
        owner = 0;
        break;
      default:
        ASSERT_EQ(phase, Phase::kEntered) << "seed " << seed << ": ROUTE outside of its session";
    }
  }
  size_t entered = 0;
  for (const auto& [id, phase] : phases) {
    EXPECT_EQ(phase, Phase::kLeft) << "seed " << seed << ": no LEAVE of " << id;
    ++entered;
  }
  EXPECT_GT(entered, 4u);
  EXPECT_EQ(hub.hub().uids().size(), 0u);
}

}  // namespace
}  // namespace longwire
