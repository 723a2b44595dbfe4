#include "client/src/ack_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace longwire::client::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

AckLog LogOf(int64_t subscription_id, const std::vector<uint64_t>& sequences) {
  AckLog log;
  log.Reset(subscription_id);
  for (const uint64_t sequence : sequences) log.Sent(sequence);
  return log;
}

TEST(AckLog, SaysUpToWhereAllIsDone) {
  AckLog log = LogOf(7, {10, 11, 3, 12});
  EXPECT_FALSE(log.HasNews());
  for (const uint64_t sequence : {10, 11, 3}) log.Done(7, sequence);
  EXPECT_TRUE(log.HasNews());
  const AckLog::Ack ack = log.Take();
  EXPECT_EQ(ack.up_to, 3u) << "in the order of delivery, which is not that of the sequences";
  EXPECT_THAT(ack.sequences, IsEmpty());
  EXPECT_FALSE(log.HasNews());
  EXPECT_EQ(log.unacked(), 4u) << "it has not arrived yet";
  log.Settled(ack, true);
  EXPECT_EQ(log.unacked(), 1u);
}

TEST(AckLog, NamesWhatIsDoneBehindAHole) {
  AckLog log = LogOf(7, {1, 2, 3, 4});
  for (const uint64_t sequence : {1, 3, 4}) log.Done(7, sequence);
  AckLog::Ack ack = log.Take();
  EXPECT_EQ(ack.up_to, 1u);
  EXPECT_THAT(ack.sequences, ElementsAre(3, 4));
  log.Settled(ack, true);
  EXPECT_EQ(log.unacked(), 1u);
  log.Done(7, 2);
  ack = log.Take();
  EXPECT_EQ(ack.up_to, 2u);
  EXPECT_THAT(ack.sequences, IsEmpty()) << "what was acknowledged is not named again";
  log.Settled(ack, true);
  EXPECT_EQ(log.unacked(), 0u);
}

TEST(AckLog, WhatDidNotArriveIsTakenAgainWithWhatCameSince) {
  AckLog log = LogOf(7, {1, 2, 3});
  log.Done(7, 1);
  const AckLog::Ack lost = log.Take();
  log.Done(7, 2);
  EXPECT_TRUE(log.HasNews());
  log.Settled(lost, false);
  const AckLog::Ack ack = log.Take();
  EXPECT_EQ(ack.up_to, 2u);
  log.Settled(ack, true);
  EXPECT_FALSE(log.HasNews());
  EXPECT_EQ(log.unacked(), 1u);
}

TEST(AckLog, ThenAHoleStaysAHole) {
  AckLog log = LogOf(7, {1, 2, 3});
  log.Done(7, 3);
  const AckLog::Ack first = log.Take();
  EXPECT_EQ(first.up_to, 0u);
  EXPECT_THAT(first.sequences, ElementsAre(3));
  log.Settled(first, false);
  EXPECT_TRUE(log.HasNews());
}

TEST(AckLog, AnotherSubscriptionBeginsAnew) {
  AckLog log = LogOf(7, {1, 2});
  log.Done(7, 1);
  log.Reset(8);
  EXPECT_FALSE(log.HasNews());
  EXPECT_EQ(log.unacked(), 0u);
  log.Sent(1);
  log.Done(7, 1);
  EXPECT_FALSE(log.HasNews()) << "that was the old one's";
  log.Done(8, 1);
  EXPECT_TRUE(log.HasNews());
}

TEST(AckLog, WhatIsDoneTwiceOrWasNeverSentChangesNothing) {
  AckLog log = LogOf(7, {1});
  log.Done(7, 1);
  log.Done(7, 1);
  log.Done(7, 99);
  const AckLog::Ack ack = log.Take();
  log.Done(7, 1);
  EXPECT_FALSE(log.HasNews());
  log.Settled(ack, true);
  log.Done(7, 1);
  EXPECT_FALSE(log.HasNews());
}

}  // namespace
}  // namespace longwire::client::internal
