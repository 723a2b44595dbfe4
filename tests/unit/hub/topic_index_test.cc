#include "server/hub/topic_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
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
using testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

Names Numbered(size_t count, const std::string& prefix = "t") {
  Names names;
  for (size_t i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  std::sort(names.begin(), names.end());
  return names;
}

// An index of its own, with sessions that are on no loop's hands meanwhile.
class TopicIndexTest : public testing::Test {
 protected:
  std::vector<const HubSession*> In(std::string_view topic) const {
    std::vector<const HubSession*> sessions;
    index_.ForEach(topic, [&](HubSession& session) { sessions.push_back(&session); });
    return sessions;
  }

  TestHub hub_{1};
  FakeSession& alice_ = hub_.Make(0, "alice");
  FakeSession& bob_ = hub_.Make(0, "bob");
  TopicIndex index_;
};

TEST_F(TopicIndexTest, ASessionIsInWhatItJoinedAndNotInWhatItLeft) {
  EXPECT_TRUE(index_.Update(alice_, {}, {"room", "news"}));
  EXPECT_TRUE(index_.Update(bob_, {}, {"room"}));
  EXPECT_THAT(In("room"), UnorderedElementsAre(&alice_, &bob_));
  EXPECT_THAT(In("news"), ElementsAre(&alice_));
  EXPECT_THAT(index_.TopicsOf(alice_), ElementsAre("news", "room")) << "sorted";
  EXPECT_TRUE(index_.Update(alice_, {"room"}, {"sport"}));
  EXPECT_THAT(In("room"), ElementsAre(&bob_));
  EXPECT_THAT(index_.TopicsOf(alice_), ElementsAre("news", "sport"));
  EXPECT_EQ(index_.SizeOf("room"), 1u);
}

TEST_F(TopicIndexTest, JoiningTwiceAndLeavingWhatItIsNotInChangesNothing) {
  EXPECT_TRUE(index_.Update(alice_, {}, {"room", "room"}));
  EXPECT_TRUE(index_.Update(alice_, {"elsewhere"}, {"room"}));
  EXPECT_THAT(index_.TopicsOf(alice_), ElementsAre("room"));
  EXPECT_TRUE(index_.Update(alice_, {}, {}));
  EXPECT_THAT(index_.TopicsOf(alice_), ElementsAre("room"));
}

TEST_F(TopicIndexTest, ASessionInNoTopicAndATopicWithoutSessionsAreNotKept) {
  EXPECT_TRUE(index_.Update(alice_, {"room"}, {}));
  EXPECT_EQ(index_.sessions(), 0u);
  EXPECT_TRUE(index_.Update(alice_, {}, {"room", "news"}));
  EXPECT_EQ(index_.sessions(), 1u);
  EXPECT_EQ(index_.topics(), 2u);
  EXPECT_TRUE(index_.Update(alice_, {"news", "room"}, {}));
  EXPECT_EQ(index_.sessions(), 0u);
  EXPECT_EQ(index_.topics(), 0u);
  EXPECT_THAT(In("room"), IsEmpty());
  EXPECT_EQ(index_.SizeOf("room"), 0u);
}

TEST_F(TopicIndexTest, RemovingTakesTheSessionOutOfAllAndMayBeRepeated) {
  EXPECT_TRUE(index_.Update(alice_, {}, {"a", "b", "c"}));
  EXPECT_TRUE(index_.Update(bob_, {}, {"b"}));
  index_.Remove(alice_);
  index_.Remove(alice_);
  EXPECT_THAT(index_.TopicsOf(alice_), IsEmpty());
  EXPECT_THAT(In("b"), ElementsAre(&bob_));
  EXPECT_EQ(index_.topics(), 1u);
}

TEST_F(TopicIndexTest, AChangeBeyondTheMaximumIsRefusedWhole) {
  const Names most = Numbered(kTopicsPerSessionMax);
  EXPECT_TRUE(index_.Update(alice_, {}, most));
  EXPECT_FALSE(index_.Update(alice_, {}, {"one-more"}));
  EXPECT_FALSE(index_.Update(alice_, {"t0"}, {"one-more", "another"}));
  EXPECT_EQ(index_.TopicsOf(alice_), most) << "t0 is not left either";
  EXPECT_EQ(index_.topics(), kTopicsPerSessionMax);
  EXPECT_TRUE(index_.Update(alice_, {"t0"}, {"one-more"})) << "what is left makes room";
  EXPECT_EQ(index_.TopicsOf(alice_).size(), kTopicsPerSessionMax);
  EXPECT_FALSE(index_.Update(bob_, {}, Numbered(kTopicsPerSessionMax + 1)));
  EXPECT_EQ(index_.sessions(), 1u);
}

TEST_F(TopicIndexTest, GoesOnAfterALargeTopicHasShrunk) {
  std::vector<FakeSession*> many;
  for (int i = 0; i < 1'000; ++i) many.push_back(&hub_.Make(0, "u" + std::to_string(i)));
  for (FakeSession* session : many) EXPECT_TRUE(index_.Update(*session, {}, {"room"}));
  EXPECT_EQ(index_.SizeOf("room"), 1'000u);
  while (many.size() > 3) {
    index_.Remove(*many.back());
    many.pop_back();
  }
  EXPECT_THAT(In("room"), UnorderedElementsAre(many[0], many[1], many[2]));
}

TEST_F(TopicIndexTest, AnyMixtureOfChangesGivesWhatAModelExpects) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  std::vector<FakeSession*> sessions;
  for (int i = 0; i < 20; ++i) sessions.push_back(&hub_.Make(0, ""));
  std::map<const HubSession*, std::set<std::string>> model;
  const auto names = [&] {
    std::set<std::string> some;
    for (uint64_t count = random() % 30; count > 0; --count) {
      some.insert("t" + std::to_string(random() % 100));
    }
    return some;
  };
  for (int step = 0; step < 5'000; ++step) {
    FakeSession& session = *sessions[random() % sessions.size()];
    if (random() % 20 == 0) {
      index_.Remove(session);
      model.erase(&session);
      continue;
    }
    const std::set<std::string> leave = names();
    std::set<std::string> join = names();
    for (const std::string& name : leave) join.erase(name);
    std::set<std::string> wanted = model[&session];
    for (const std::string& name : leave) wanted.erase(name);
    wanted.insert(join.begin(), join.end());
    const bool fits = wanted.size() <= kTopicsPerSessionMax;
    ASSERT_EQ(index_.Update(session, {leave.begin(), leave.end()}, {join.begin(), join.end()}),
              fits);
    if (fits) model[&session] = wanted;
    if (model[&session].empty()) model.erase(&session);
    std::map<std::string, size_t> sizes;
    for (const auto& [in_topics, topics] : model) {
      for (const std::string& topic : topics) ++sizes[topic];
    }
    ASSERT_EQ(index_.sessions(), model.size());
    ASSERT_EQ(index_.topics(), sizes.size());
    for (const auto& [topic, size] : sizes) ASSERT_EQ(index_.SizeOf(topic), size);
    const std::set<std::string>& expected = model[&session];
    ASSERT_EQ(index_.TopicsOf(session), Names(expected.begin(), expected.end()));
    if (expected.empty()) model.erase(&session);
  }
}

TEST(ShardTopics, ASessionIsInItsTopicsWhenItsEnterIsWrittenAndInNoneAfterItsLeave) {
  TestHub hub(1);
  FakeSession& alice = hub.Make(0, "alice");
  hub.On(0, [&] {
    alice.topics = {"room", "news"};
    alice.LogIn();
    EXPECT_TRUE(hub.Events().empty()) << "the turn's end writes it";
    EXPECT_THAT(hub.shard(0).topics().TopicsOf(alice), ElementsAre("news", "room"));
    alice.LeaveFor(LeaveReason::kKicked);
    EXPECT_EQ(hub.shard(0).topics().sessions(), 0u);
    EXPECT_EQ(hub.shard(0).topics().topics(), 0u);
  });
}

TEST(ShardTopics, ATakeoverDropsTheOldSessionsTopics) {
  TestHub hub(2);
  FakeSession& old = hub.LogIn(0, "alice");
  hub.On(0, [&] { EXPECT_TRUE(hub.shard(0).topics().Update(old, {}, {"room"})); });
  hub.LogIn(1, "alice");
  hub.On(0, [&] { EXPECT_EQ(hub.shard(0).topics().topics(), 0u); });
  hub.On(1, [&] { EXPECT_EQ(hub.shard(1).topics().topics(), 0u) << "they are not handed on"; });
}

}  // namespace
}  // namespace longwire
