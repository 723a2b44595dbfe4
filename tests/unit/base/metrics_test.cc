#include "server/base/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "longwire/v1/types.pb.h"

namespace longwire {
namespace {

TEST(Metrics, EveryAdmissionRefusalHasALabelOfItsOwn) {
  std::set<std::string> labels;
  for (size_t i = 0; i < static_cast<size_t>(AdmissionRefusal::kCount); ++i) {
    const std::string label(AdmissionRefusalLabel(static_cast<AdmissionRefusal>(i)));
    EXPECT_TRUE(labels.insert(label).second) << label;
    EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << label;
    EXPECT_NE(label, "unknown") << i;
  }
}

TEST(Metrics, ThereIsACounterForEveryLeaveReasonOfTheContract) {
  EXPECT_EQ(kLeaveReasons, static_cast<size_t>(v1::LeaveReason_MAX) + 1);
}

TEST(Metrics, ACounterLosesNothingThatSeveralThreadsAdd) {
  Counter counter;
  std::thread other([&] {
    for (int i = 0; i < 50'000; ++i) counter.Add();
  });
  for (int i = 0; i < 50'000; ++i) counter.Add(2);
  other.join();
  EXPECT_EQ(counter.value(), 150'000u);
}

TEST(Metrics, ALoopCounterGoesUpAndDown) {
  LoopCounter counter;
  counter.Add(5);
  counter.Subtract();
  counter.Subtract(2);
  EXPECT_EQ(counter.value(), 2u);
}

TEST(Metrics, ARefusalIsCountedUnderItsReason) {
  Metrics metrics(1);
  metrics.Refused(Reason::kOutboxFull);
  metrics.Refused(Reason::kOutboxFull);
  EXPECT_EQ(metrics.refusals[static_cast<size_t>(Reason::kOutboxFull)].value(), 2u);
  EXPECT_EQ(metrics.refusals[static_cast<size_t>(Reason::kSessionGone)].value(), 0u);
}

}  // namespace
}  // namespace longwire
