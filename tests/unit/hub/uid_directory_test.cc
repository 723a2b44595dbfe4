#include "server/hub/uid_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Claim = UidDirectory::Claim;

MATCHER(IsGranted, "") {
  return arg.claim == Claim::kGranted && arg.evict == 0 && arg.cancelled == 0;
}
MATCHER(IsRejected, "") {
  return arg.claim == Claim::kRejected && arg.evict == 0 && arg.cancelled == 0;
}
// Waits, and `evict` has to go.
MATCHER_P(WaitsForEvicted, evict, "") {
  return arg.claim == Claim::kWaiting && arg.evict == evict && arg.cancelled == 0;
}
// Waits in the place of `cancelled`; the owner has been told already.
MATCHER_P(WaitsInsteadOf, cancelled, "") {
  return arg.claim == Claim::kWaiting && arg.evict == 0 && arg.cancelled == cancelled;
}

TEST(UidDirectoryKickOld, TheFirstLoginIsGranted) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  EXPECT_THAT(uids.Enqueue("alice", 1), IsGranted());
  EXPECT_THAT(uids.Enqueue("bob", 2), IsGranted());
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1));
  EXPECT_THAT(uids.Find("bob"), ElementsAre(2));
  EXPECT_THAT(uids.Find("carol"), IsEmpty());
  EXPECT_EQ(uids.size(), 2u);
}

TEST(UidDirectoryKickOld, ALaterLoginWaitsUntilTheOwnerIsReleased) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  uids.Enqueue("alice", 1);
  EXPECT_THAT(uids.Enqueue("alice", 2), WaitsForEvicted(1));
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1)) << "who waits does not hold it";
  EXPECT_EQ(uids.Release("alice", 1), 2);
  EXPECT_THAT(uids.Find("alice"), ElementsAre(2));
  EXPECT_EQ(uids.Release("alice", 2), 0);
  EXPECT_EQ(uids.size(), 0u);
}

TEST(UidDirectoryKickOld, OfSeveralThatWaitTheNewestWinsAndTheOthersAreCancelled) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  uids.Enqueue("alice", 1);
  uids.Enqueue("alice", 2);
  EXPECT_THAT(uids.Enqueue("alice", 3), WaitsInsteadOf(2));
  EXPECT_THAT(uids.Enqueue("alice", 4), WaitsInsteadOf(3));
  // The cancelled ones give up, in any order, which changes nothing.
  EXPECT_EQ(uids.Release("alice", 3), 0);
  EXPECT_EQ(uids.Release("alice", 2), 0);
  EXPECT_EQ(uids.Release("alice", 1), 4);
  EXPECT_THAT(uids.Find("alice"), ElementsAre(4));
}

TEST(UidDirectoryKickOld, AWaiterThatGivesUpLeavesTheUidToItsOwner) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  uids.Enqueue("alice", 1);
  uids.Enqueue("alice", 2);
  EXPECT_EQ(uids.Release("alice", 2), 0);
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1));
  // The next one has to tell the owner anew: it may not have been told.
  EXPECT_THAT(uids.Enqueue("alice", 3), WaitsForEvicted(1));
}

TEST(UidDirectoryKickOld, AGrantedOneThatGivesUpBeforeEnteringPassesTheUidOn) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  uids.Enqueue("alice", 1);
  uids.Enqueue("alice", 2);
  ASSERT_EQ(uids.Release("alice", 1), 2);
  EXPECT_THAT(uids.Enqueue("alice", 3), WaitsForEvicted(2));
  EXPECT_EQ(uids.Release("alice", 2), 3);
}

TEST(UidDirectoryKickOld, AReleaseMayComeTwiceOrForNobody) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  EXPECT_EQ(uids.Release("alice", 1), 0);
  uids.Enqueue("alice", 1);
  EXPECT_EQ(uids.Release("alice", 9), 0);
  EXPECT_EQ(uids.Release("bob", 1), 0);
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1));
  EXPECT_EQ(uids.Release("alice", 1), 0);
  EXPECT_EQ(uids.Release("alice", 1), 0);
  uids.Enqueue("alice", 2);
  EXPECT_EQ(uids.Release("alice", 1), 0) << "the uid is another's now";
  EXPECT_THAT(uids.Find("alice"), ElementsAre(2));
}

TEST(UidDirectoryRejectNew, ALoginIsRejectedWhileThereIsAnOwner) {
  UidDirectory uids(DuplicateLogin::kRejectNew);
  EXPECT_THAT(uids.Enqueue("alice", 1), IsGranted());
  EXPECT_THAT(uids.Enqueue("alice", 2), IsRejected());
  EXPECT_EQ(uids.Release("alice", 2), 0) << "the rejected one holds nothing";
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1));
  EXPECT_EQ(uids.Release("alice", 1), 0);
  EXPECT_THAT(uids.Enqueue("alice", 3), IsGranted());
}

TEST(UidDirectoryAllow, AllAreGrantedAndFoundOldestFirst) {
  UidDirectory uids(DuplicateLogin::kAllow);
  for (SessionId id = 1; id <= 6; ++id) EXPECT_THAT(uids.Enqueue("alice", id), IsGranted());
  EXPECT_THAT(uids.Find("alice"), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(uids.size(), 1u) << "uids are counted, not sessions";
}

TEST(UidDirectoryAllow, EveryOrderOfReleasesLeavesTheOthersInTheirOrder) {
  std::vector<SessionId> order = {1, 2, 3, 4};
  do {
    UidDirectory uids(DuplicateLogin::kAllow);
    std::vector<SessionId> left;
    for (SessionId id = 1; id <= 4; ++id) {
      uids.Enqueue("alice", id);
      left.push_back(id);
    }
    for (const SessionId id : order) {
      EXPECT_EQ(uids.Release("alice", id), 0);
      std::erase(left, id);
      EXPECT_THAT(uids.Find("alice"), testing::ElementsAreArray(left));
    }
    EXPECT_EQ(uids.size(), 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(UidDirectory, AnyBytesAreAUid) {
  UidDirectory uids(DuplicateLogin::kRejectNew);
  const std::string with_zero("a\0b", 3), long_one(128, 'u');
  EXPECT_THAT(uids.Enqueue(with_zero, 1), IsGranted());
  EXPECT_THAT(uids.Enqueue("a", 2), IsGranted());
  EXPECT_THAT(uids.Enqueue(long_one, 3), IsGranted());
  EXPECT_THAT(uids.Find(with_zero), ElementsAre(1));
  EXPECT_THAT(uids.Find(long_one), ElementsAre(3));
}

// One uid as the header describes it, in the plainest code.
struct Model {
  DuplicateLogin policy;
  std::vector<SessionId> owners;
  SessionId waiter = 0;

  UidDirectory::ClaimResult Enqueue(SessionId id) {
    if (owners.empty() || policy == DuplicateLogin::kAllow) {
      owners.push_back(id);
      return {.claim = Claim::kGranted};
    }
    if (policy == DuplicateLogin::kRejectNew) return {.claim = Claim::kRejected};
    const SessionId before = waiter;
    waiter = id;
    if (before != 0) return {.claim = Claim::kWaiting, .cancelled = before};
    return {.claim = Claim::kWaiting, .evict = owners[0]};
  }
  SessionId Release(SessionId id) {
    if (waiter == id) waiter = 0;
    if (std::erase(owners, id) == 0 || !owners.empty() || waiter == 0) return 0;
    owners.push_back(waiter);
    waiter = 0;
    return owners[0];
  }
};

TEST(UidDirectory, AnswersAsAModelDoes) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  for (const DuplicateLogin policy :
       {DuplicateLogin::kKickOld, DuplicateLogin::kRejectNew, DuplicateLogin::kAllow}) {
    UidDirectory uids(policy);
    std::map<std::string, Model> models;
    SessionId newest = 0;
    for (int step = 0; step < 20'000; ++step) {
      const std::string uid = "u" + std::to_string(random() % 20);
      Model& model = models.try_emplace(uid, Model{policy}).first->second;
      if (random() % 2 == 0) {
        const auto expected = model.Enqueue(++newest);
        const auto answer = uids.Enqueue(uid, newest);
        ASSERT_EQ(answer.claim, expected.claim) << "seed " << seed << " step " << step;
        ASSERT_EQ(answer.evict, expected.evict) << "seed " << seed << " step " << step;
        ASSERT_EQ(answer.cancelled, expected.cancelled) << "seed " << seed << " step " << step;
      } else {
        // Mostly one that holds or waits for the uid, else any.
        SessionId id = newest - static_cast<SessionId>(random() % 40);
        if (!model.owners.empty() && random() % 4 != 0) {
          id = random() % 4 == 0 ? model.waiter : model.owners[random() % model.owners.size()];
        }
        ASSERT_EQ(uids.Release(uid, id), model.Release(id)) << "seed " << seed << " step " << step;
      }
      const SessionIds owners = uids.Find(uid);
      ASSERT_EQ(std::vector<SessionId>(owners.begin(), owners.end()), model.owners)
          << "seed " << seed << " step " << step;
    }
    const auto held = std::count_if(models.begin(), models.end(),
                                    [](const auto& entry) { return !entry.second.owners.empty(); });
    EXPECT_EQ(uids.size(), static_cast<size_t>(held));
  }
}

// Threads that log in, wait for their grant by looking, and release: never two owners at a time.
TEST(UidDirectory, ManyThreadsNeverHoldAUidTogether) {
  UidDirectory uids(DuplicateLogin::kKickOld);
  std::atomic<int> holders{0};
  std::atomic<bool> were_two{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        const SessionId id = 1 + t + 4 * i;
        Claim claim = uids.Enqueue("alice", id).claim;
        for (int looks = 0; claim == Claim::kWaiting && looks < 100; ++looks) {
          const SessionIds owners = uids.Find("alice");
          if (!owners.empty() && owners[0] == id) claim = Claim::kGranted;
        }
        if (claim == Claim::kGranted) {
          if (holders.fetch_add(1) != 0) were_two = true;
          holders.fetch_sub(1);
        }
        uids.Release("alice", id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(were_two);
  EXPECT_EQ(uids.size(), 0u) << "everybody has released";
}

}  // namespace
}  // namespace longwire
