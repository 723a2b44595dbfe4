#include "server/engine/local_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LocalRegistryTest : public testing::Test {
 protected:
  void RunAll() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  Registry::Outcome Put(const std::string& key, const std::string& value, uint64_t expected) {
    std::optional<Registry::Outcome> outcome;
    registry_.Put(key, value, expected, [&](Registry::Outcome told) { outcome = told; });
    EXPECT_FALSE(outcome) << "told within the call";
    RunAll();
    EXPECT_TRUE(outcome);
    return outcome.value_or(Registry::Outcome{});
  }
  Registry::Outcome Erase(const std::string& key, uint64_t expected) {
    std::optional<Registry::Outcome> outcome;
    registry_.Erase(key, expected, [&](Registry::Outcome told) { outcome = told; });
    RunAll();
    return outcome.value_or(Registry::Outcome{});
  }
  std::unique_ptr<Registry::Watch> Watch(const std::string& prefix) {
    return registry_.WatchPrefix(prefix, [this](std::string_view key, const auto& entry) {
      told_.push_back(std::string(key) + (entry.exists ? "=" + entry.value : " is gone"));
    });
  }

  std::deque<LocalRegistry::Task> tasks_;
  LocalRegistry registry_{[this](LocalRegistry::Task task) { tasks_.push_back(std::move(task)); }};
  std::vector<std::string> told_;
};

TEST_F(LocalRegistryTest, WritesOnlyIfTheKeyStandsWhereItIsExpected) {
  const Registry::Outcome first = Put("a", "1", 0);
  EXPECT_TRUE(first.is_stored);
  EXPECT_EQ(first.entry.value, "1");
  const Registry::Outcome lost = Put("a", "2", 0);
  EXPECT_FALSE(lost.is_stored);
  EXPECT_EQ(lost.entry.value, "1") << "the answer says whose it is";
  EXPECT_EQ(lost.entry.revision, first.entry.revision);
  const Registry::Outcome second = Put("a", "2", first.entry.revision);
  EXPECT_TRUE(second.is_stored);
  EXPECT_GT(second.entry.revision, first.entry.revision);
  EXPECT_FALSE(Put("a", "3", first.entry.revision).is_stored);
}

TEST_F(LocalRegistryTest, ErasesLikewise) {
  const uint64_t revision = Put("a", "1", 0).entry.revision;
  EXPECT_FALSE(Erase("a", revision + 1).is_stored);
  EXPECT_EQ(registry_.size(), 1u);
  const Registry::Outcome erased = Erase("a", revision);
  EXPECT_TRUE(erased.is_stored);
  EXPECT_FALSE(erased.entry.exists);
  EXPECT_GT(erased.entry.revision, revision);
  EXPECT_EQ(registry_.size(), 0u);
  const Registry::Outcome again = Put("a", "2", 0);
  EXPECT_TRUE(again.is_stored);
  EXPECT_GT(again.entry.revision, erased.entry.revision) << "grows over an erasure too";
}

TEST_F(LocalRegistryTest, AWatchTellsWhatIsThereAndThenEachChange) {
  Put("groups/a", "1", 0);
  Put("other/b", "1", 0);
  const auto watch = Watch("groups/");
  EXPECT_THAT(told_, IsEmpty()) << "told within the call";
  RunAll();
  const uint64_t revision = Put("groups/c", "1", 0).entry.revision;
  Put("groups/c", "lost", 0);
  Put("other/b", "2", 0);
  Erase("groups/c", revision);
  EXPECT_THAT(told_, ElementsAre("groups/a=1", "groups/c=1", "groups/c is gone"));
}

TEST_F(LocalRegistryTest, AWatchThatIsOverTellsNothingMore) {
  auto watch = Watch("");
  Put("a", "1", 0);
  registry_.Put("a", "2", 1, [](const auto&) {});
  watch.reset();
  RunAll();
  Put("b", "1", 0);
  EXPECT_THAT(told_, ElementsAre("a=1"));
}

}  // namespace
}  // namespace longwire
