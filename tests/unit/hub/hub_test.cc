#include "server/hub/hub.h"

#include <gtest/gtest.h>

#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;

TEST(Hub, ASessionIsOnTheShardThatItsIdNames) {
  TestHub hub(3);
  for (uint32_t index = 0; index < 3; ++index) {
    const FakeSession& session = hub.LogIn(index, "");
    EXPECT_EQ(hub.hub().ShardFor(session.id()), &hub.shard(index));
    EXPECT_EQ(hub.shard(index).index(), index);
  }
}

TEST(Hub, AnIdOfAnotherNodeOrOfNobodyIsOnNoShard) {
  TestHub hub(2);
  SnowflakeGenerator elsewhere(Clock::Real(), 1'704'067'200'000, TestHub::kNode + 1, 2);
  EXPECT_EQ(hub.hub().ShardFor(elsewhere.Next(0)), nullptr);
  EXPECT_EQ(hub.hub().ShardFor(0), nullptr);
  EXPECT_EQ(hub.hub().ShardFor(-1), nullptr);
  EXPECT_EQ(hub.hub().ShardFor(INT64_MIN), nullptr);
  EXPECT_EQ(hub.hub().node_id(), TestHub::kNode);
}

TEST(Hub, GrantsAndEvictionsOfSessionsThatAreGoneAreForgotten) {
  TestHub hub(1);
  FakeSession& gone = hub.LogIn(0, "alice");
  hub.On(0, [&] { gone.LoseConnection(); });
  hub.hub().PostGrant(gone.id());
  hub.hub().PostEvict(gone.id());
  hub.Settle();
  hub.On(0, [&] {
    EXPECT_EQ(gone.grants, 0);
    EXPECT_EQ(gone.evictions, 0);
  });
}

}  // namespace
}  // namespace longwire
