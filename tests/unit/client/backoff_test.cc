#include "client/src/backoff.h"

#include <gtest/gtest.h>

namespace longwire::client::internal {
namespace {

using std::chrono::milliseconds;

TEST(ClientBackoff, DoublesFromTheFirstToTheLongestAndStaysWithinHalfOfIt) {
  Backoff backoff(milliseconds(100), milliseconds(5000), /*seed=*/7);
  for (const int most : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
    const auto wait = backoff.Next();
    EXPECT_GE(wait, milliseconds(most / 2));
    EXPECT_LE(wait, milliseconds(most));
  }
}

TEST(ClientBackoff, BeginsAnewAfterReset) {
  Backoff backoff(milliseconds(100), milliseconds(5000), /*seed=*/7);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(100));
}

TEST(ClientBackoff, DiffersBetweenClients) {
  Backoff one(milliseconds(5000), milliseconds(5000), /*seed=*/1);
  Backoff other(milliseconds(5000), milliseconds(5000), /*seed=*/2);
  int same = 0;
  for (int i = 0; i < 100; ++i) same += one.Next() == other.Next() ? 1 : 0;
  EXPECT_LT(same, 10);
}

TEST(ClientBackoff, NeverSpinsWhateverItIsGiven) {
  Backoff backoff(milliseconds(0), milliseconds(-5), /*seed=*/7);
  for (int i = 0; i < 5; ++i) EXPECT_GE(backoff.Next(), milliseconds(1));
}

}  // namespace
}  // namespace longwire::client::internal
