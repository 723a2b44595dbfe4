// The promises of consumer groups under random interleavings, against a small account of them.
//
// LONGWIRE_MODEL_RUNS makes it longer, LONGWIRE_MODEL_SEED repeats one run.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "tests/support/environment.h"
#include "tests/unit/events/group_model.h"

namespace longwire::test {
namespace {

constexpr int kSteps = 1'500;

struct Sum {
  size_t delivered = 0;
  size_t redelivered = 0;
  size_t gaps = 0;
  size_t expired = 0;
};

Sum RunModels(GroupModel::Options options) {
  Sum sum;
  const auto seed = NumberFromEnvironment("LONGWIRE_MODEL_SEED");
  const uint64_t first = seed.value_or(std::random_device()());
  const uint64_t count = seed ? 1 : NumberFromEnvironment("LONGWIRE_MODEL_RUNS").value_or(60);
  std::cout << "LONGWIRE_MODEL_SEED=" << first << " and the " << count - 1 << " behind it"
            << std::endl;
  for (uint64_t run = 0; run < count; ++run) {
    options.seed = first + run;
    GroupModel model(options);
    for (int step = 0; step < kSteps && model.broken().empty(); ++step) model.Step();
    if (model.broken().empty()) model.Settle();
    EXPECT_EQ(model.broken(), "");
    if (!model.broken().empty()) break;
    sum.delivered += model.delivered();
    sum.redelivered += model.redelivered();
    sum.gaps += model.gaps();
    sum.expired += model.expired();
  }
  std::cout << sum.delivered << " delivered, " << sum.redelivered << " again, " << sum.gaps
            << " gaps, " << sum.expired << " members expired" << std::endl;
  return sum;
}

TEST(GroupModelTest, MissesNothingAndKeepsTheOrderWhileMembersDieAndStick) {
  const Sum sum = RunModels({.has_deaths = true, .has_retention = false});
  // Else it would prove less than it says.
  EXPECT_GT(sum.redelivered, 0u);
  EXPECT_GT(sum.expired, 0u);
}

TEST(GroupModelTest, DeliversNothingTwiceWhileNobodyDies) {
  const Sum sum = RunModels({.has_deaths = false, .has_retention = false});
  EXPECT_GT(sum.delivered, 0u);
}

TEST(GroupModelTest, TellsAGapForWhatRetentionDrops) {
  const Sum sum = RunModels({.has_deaths = true, .has_retention = true});
  EXPECT_GT(sum.gaps, 0u);
}

TEST(GroupModelTest, WithoutManualAckNothingThatWasWrittenComesAgain) {
  const Sum sum = RunModels({.manual_ack = false, .has_deaths = true, .has_retention = false});
  EXPECT_GT(sum.redelivered, 0u) << "what could not be written goes to another";
}

}  // namespace
}  // namespace longwire::test
