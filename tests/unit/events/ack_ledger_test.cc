#include "server/events/ack_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace longwire {
namespace {

TEST(AckLedger, BeginsEmpty) {
  const AckLedger ledger;
  EXPECT_EQ(ledger.unacked(), 0u);
  EXPECT_EQ(ledger.span(), 0u);
  EXPECT_FALSE(ledger.FirstUnacked(0));
  EXPECT_FALSE(ledger.Knows(1));
}

TEST(AckLedger, AcksSingleEventsInAnyOrder) {
  AckLedger ledger;
  for (const uint64_t sequence : {1, 2, 3}) ledger.Sent(sequence, 5, 0);
  EXPECT_EQ(ledger.FirstUnacked(5), 1u);
  ledger.Ack(2, 0);
  EXPECT_EQ(ledger.unacked(), 2u);
  EXPECT_EQ(ledger.FirstUnacked(5), 1u) << "the place does not pass one that is left out";
  EXPECT_TRUE(ledger.Knows(2));
  ledger.Ack(1, 0);
  EXPECT_EQ(ledger.FirstUnacked(5), 3u);
  EXPECT_FALSE(ledger.Knows(2));
  ledger.Ack(3, 0);
  EXPECT_FALSE(ledger.FirstUnacked(5));
  EXPECT_EQ(ledger.span(), 0u);
}

TEST(AckLedger, AcksUpToAnEventInTheOrderOfDelivery) {
  AckLedger ledger;
  // The partition 2 came over from another member and brings older events.
  for (const uint64_t sequence : {10, 11}) ledger.Sent(sequence, 1, 0);
  for (const uint64_t sequence : {3, 4}) ledger.Sent(sequence, 2, 0);
  ledger.Sent(12, 1, 0);
  ledger.AckUpTo(3, 0);
  EXPECT_EQ(ledger.FirstUnacked(1), 12u) << "10 and 11 were sent before 3";
  EXPECT_EQ(ledger.FirstUnacked(2), 4u);
  ledger.AckUpTo(12, 0);
  EXPECT_EQ(ledger.unacked(), 0u);
}

TEST(AckLedger, AnEventThatIsAckedAlreadyStillSaysUpToWhere) {
  AckLedger ledger;
  for (const uint64_t sequence : {1, 2, 3}) ledger.Sent(sequence, 0, 0);
  ledger.Ack(2, 0);
  ledger.AckUpTo(2, 0);
  EXPECT_EQ(ledger.unacked(), 1u);
  EXPECT_EQ(ledger.FirstUnacked(0), 3u);
}

TEST(AckLedger, AckingAgainOrWhatItDoesNotKnowChangesNothing) {
  AckLedger ledger;
  for (const uint64_t sequence : {1, 2}) ledger.Sent(sequence, 0, 0);
  ledger.Ack(1, 0);
  ledger.Ack(1, 0);
  ledger.AckUpTo(1, 0);
  ledger.Ack(99, 0);
  ledger.AckUpTo(99, 0);
  EXPECT_EQ(ledger.unacked(), 1u);
}

TEST(AckLedger, WhatIsSentAgainWhileItIsOpenStaysOpenOnce) {
  AckLedger ledger;
  ledger.Sent(1, 0, 0);
  ledger.Sent(1, 0, 0);
  EXPECT_EQ(ledger.unacked(), 1u);
  ledger.Ack(1, 0);
  EXPECT_EQ(ledger.span(), 0u);
}

TEST(AckLedger, TheOldestsTimeBeginsWhenItBecomesTheOldest) {
  AckLedger ledger;
  ledger.Sent(1, 0, 100);
  ledger.Sent(2, 0, 110);
  ledger.Sent(3, 0, 120);
  EXPECT_EQ(ledger.oldest_since_millis(), 100);
  ledger.Ack(2, 150);
  EXPECT_EQ(ledger.oldest_since_millis(), 100) << "1 is still waited for";
  ledger.Ack(1, 170);
  EXPECT_EQ(ledger.oldest_since_millis(), 170) << "now 3 is, and it had to queue before";
  ledger.Ack(3, 180);
  ledger.Sent(4, 0, 500);
  EXPECT_EQ(ledger.oldest_since_millis(), 500);
}

TEST(AckLedger, AgreesWithAListThatIsSearched) {
  struct Told {
    uint64_t sequence;
    PartitionNumber partition;
    bool is_acked = false;
  };
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    AckLedger ledger;
    std::vector<Told> told;
    std::map<PartitionNumber, uint64_t> last;
    std::set<uint64_t> used;
    for (int step = 0; step < 2'000; ++step) {
      if (random() % 2 == 0 || told.empty()) {
        const auto partition = static_cast<PartitionNumber>(random() % 4);
        uint64_t sequence = last[partition] + 1 + random() % 5;
        while (!used.insert(sequence).second) ++sequence;
        last[partition] = sequence;
        ledger.Sent(sequence, partition, step);
        told.push_back({sequence, partition});
      } else {
        const size_t at = told.size() - 1 - random() % std::min<size_t>(told.size(), 30);
        if (random() % 4 == 0) {
          ledger.AckUpTo(told[at].sequence, step);
          // What it has forgotten was acknowledged, as was all before it.
          for (size_t i = 0; i <= at; ++i) told[i].is_acked = true;
        } else {
          ledger.Ack(told[at].sequence, step);
          told[at].is_acked = true;
        }
      }
      size_t unacked = 0;
      std::map<PartitionNumber, uint64_t> first;
      for (const Told& one : told) {
        if (one.is_acked) continue;
        ++unacked;
        first.emplace(one.partition, one.sequence);
      }
      ASSERT_EQ(ledger.unacked(), unacked) << "seed " << seed << " step " << step;
      for (PartitionNumber partition = 0; partition < 4; ++partition) {
        const auto found = first.find(partition);
        const auto expected =
            found == first.end() ? std::nullopt : std::optional<uint64_t>(found->second);
        ASSERT_EQ(ledger.FirstUnacked(partition), expected) << "seed " << seed << " step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace longwire
