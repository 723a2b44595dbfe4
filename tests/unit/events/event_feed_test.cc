#include "server/events/event_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/engine/local_event_log.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kRoomy = 1024 * 1024;
constexpr EventFilter kAll = {.types = EventFilter::kAllTypes};

class EventFeedTest : public testing::Test {
 protected:
  void Append(PartitionNumber partition, v1::EventType type = v1::EVENT_TYPE_ROUTE) {
    EventBatch batch;
    AppendRouted(batch.bytes(), {1, "alice", 0}, "", {MessageType::kText, "hi"});
    batch.Add({.type = static_cast<uint8_t>(type), .partition = partition});
    log_.Append(batch);
  }
  // Sequences 1 to `partitions.size()`.
  void AppendAll(const std::vector<PartitionNumber>& partitions) {
    for (const PartitionNumber partition : partitions) Append(partition);
  }
  EventFeed Plain(size_t unacked_events_max, uint64_t next = 1) {
    return EventFeed(log_,
                     {.filter = kAll,
                      .manual_ack = true,
                      .unacked_events_max = unacked_events_max,
                      .ack_timeout_millis = 1'000},
                     next);
  }
  EventFeed Member(bool manual_ack = true, size_t unacked_events_max = 100) {
    return EventFeed(log_,
                     {.filter = kAll,
                      .manual_ack = manual_ack,
                      .unacked_events_max = unacked_events_max,
                      .ack_timeout_millis = 1'000,
                      .partitions = 4},
                     1);
  }
  // What the next response brings; written at once.
  std::vector<uint64_t> Read(EventFeed& feed, bool is_written = true) {
    EventFeed::Chunk chunk;
    feed.Read(kRoomy, clock_.SteadyMillis(), chunk);
    if (is_written) feed.Written(true);
    v1::SubscribeEventsResponse response;
    EXPECT_TRUE(response.ParseFromString(chunk.framed_events));
    std::vector<uint64_t> sequences;
    for (const v1::Event& event : response.events()) sequences.push_back(event.sequence());
    return sequences;
  }
  // The reason of the refusal, or nothing.
  std::string Ack(EventFeed& feed, std::vector<uint64_t> sequences, uint64_t up_to = 0) {
    v1::AckEventsRequest request;
    request.mutable_sequences()->Add(sequences.begin(), sequences.end());
    request.set_up_to(up_to);
    const auto refusal = feed.Acknowledge(request, clock_.SteadyMillis());
    return refusal ? std::string(ReasonName(refusal->reason)) : "";
  }

  ManualClock clock_;
  LocalEventLog log_{"log", 64 * kRoomy, 3'600'000, clock_};
};

TEST_F(EventFeedTest, StopsAtItsWindowAndGoesOnAsAcksCome) {
  AppendAll({0, 0, 0, 0, 0});
  EventFeed feed = Plain(2);
  EXPECT_THAT(Read(feed), ElementsAre(1, 2));
  EXPECT_THAT(Read(feed), IsEmpty());
  EXPECT_EQ(Ack(feed, {1}), "");
  EXPECT_THAT(Read(feed), ElementsAre(3));
  EXPECT_EQ(Ack(feed, {}, 3), "");
  EXPECT_THAT(Read(feed), ElementsAre(4, 5));
  EXPECT_EQ(feed.unacked(), 2u);
}

TEST_F(EventFeedTest, StopsWhenTooMuchHasToBeRememberedBehindOneThatIsNeverAcked) {
  EventFeed feed = Plain(2);
  uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    Append(0);
    for (const uint64_t sequence : Read(feed)) {
      last = sequence;
      if (sequence == 1) continue;
      EXPECT_EQ(Ack(feed, {sequence}), "");
    }
  }
  EXPECT_EQ(last, 16u);
  EXPECT_EQ(Ack(feed, {1}), "");
  EXPECT_THAT(Read(feed), ElementsAre(17, 18));
}

TEST_F(EventFeedTest, RefusesAcksOfWhatWasNotSentAndThenAcksNothing) {
  AppendAll({0, 0, 0});
  EventFeed feed = Plain(2);
  Read(feed);
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{3}, uint64_t{4}, UINT64_MAX}) {
    EXPECT_EQ(Ack(feed, {1, sequence}), "ACK_INVALID") << sequence;
  }
  EXPECT_EQ(Ack(feed, {}, 3), "ACK_INVALID");
  EXPECT_EQ(Ack(feed, {1}, 4), "ACK_INVALID");
  EXPECT_EQ(feed.unacked(), 2u);
  EXPECT_EQ(Ack(feed, {1, 1}, 2), "");
  EXPECT_EQ(Ack(feed, {1, 2}, 2), "") << "again changes nothing";
  EXPECT_EQ(feed.unacked(), 0u);
}

TEST_F(EventFeedTest, WithoutManualAckNothingCanBeAcked) {
  Append(0);
  EventFeed feed(log_, {.filter = kAll}, 1);
  EXPECT_THAT(Read(feed), ElementsAre(1));
  EXPECT_EQ(Ack(feed, {1}), "ACK_INVALID");
}

TEST_F(EventFeedTest, WhatTheFilterOrTheStartLeavesOutWasNotSent) {
  Append(0);
  Append(0, v1::EVENT_TYPE_ENTER);
  Append(0);
  EventFeed feed(log_,
                 {.filter = {.types = 1 << v1::EVENT_TYPE_ROUTE},
                  .manual_ack = true,
                  .unacked_events_max = 10},
                 2);
  EXPECT_THAT(Read(feed), ElementsAre(3));
  EXPECT_EQ(Ack(feed, {1}), "ACK_INVALID");
  EXPECT_EQ(Ack(feed, {2}), "ACK_INVALID");
  EXPECT_EQ(Ack(feed, {3}), "");
}

TEST_F(EventFeedTest, AnAckOfWhatRetentionHasDroppedIsTaken) {
  AppendAll({0, 0});
  EventFeed feed = Plain(10);
  Read(feed);
  EXPECT_EQ(Ack(feed, {1}), "");
  clock_.Advance(4'000'000);
  log_.TrimAge();
  EXPECT_EQ(Ack(feed, {1, 2}), "");
  EXPECT_EQ(feed.unacked(), 0u);
}

TEST_F(EventFeedTest, AMemberIsFedOnlyItsPartitions) {
  AppendAll({0, 1, 2, 3, 0, 1});
  EventFeed feed = Member();
  EXPECT_THAT(Read(feed), IsEmpty());
  feed.AddPartition(1, 1, false);
  EXPECT_THAT(Read(feed), ElementsAre(2, 6));
  EXPECT_EQ(Ack(feed, {1}), "ACK_INVALID") << "another member's";
}

TEST_F(EventFeedTest, APartitionThatComesOverBringsWhatIsOlder) {
  AppendAll({0, 1, 0, 1, 0});
  EventFeed feed = Member();
  feed.AddPartition(0, 1, false);
  EXPECT_THAT(Read(feed), ElementsAre(1, 3, 5));
  feed.AddPartition(1, 3, false);
  EXPECT_THAT(Read(feed), ElementsAre(4)) << "and nothing of partition 0 again";
  Append(1);
  Append(0);
  EXPECT_THAT(Read(feed), ElementsAre(6, 7));
  EXPECT_EQ(Ack(feed, {}, 5), "");
  EXPECT_EQ(feed.unacked(), 3u) << "4 was sent behind 5";
}

TEST_F(EventFeedTest, KnowsHowFarEachPartitionIsDone) {
  AppendAll({0, 1, 0, 1, 0});
  EventFeed feed = Member();
  feed.AddPartition(0, 1, false);
  feed.AddPartition(1, 1, false);
  Read(feed);
  EXPECT_EQ(feed.DoneUpTo(0), 0u);
  EXPECT_EQ(feed.DoneUpTo(1), 1u);
  Ack(feed, {1, 5, 2});
  EXPECT_EQ(feed.DoneUpTo(0), 2u);
  EXPECT_EQ(feed.DoneUpTo(1), 3u);
  Ack(feed, {3});
  EXPECT_EQ(feed.DoneUpTo(0), 5u);
  EXPECT_TRUE(feed.IsSettled(0));
  EXPECT_FALSE(feed.IsSettled(1));
}

TEST_F(EventFeedTest, WhatIsSentOfARemovedPartitionMayStillBeAcked) {
  AppendAll({0, 1});
  EventFeed feed = Member();
  feed.AddPartition(0, 1, false);
  Read(feed);
  feed.RemovePartition(0);
  Append(0);
  EXPECT_THAT(Read(feed), IsEmpty());
  EXPECT_EQ(feed.DoneUpTo(0), 0u);
  EXPECT_EQ(feed.NextOf(0), 3u);
  EXPECT_EQ(Ack(feed, {3}), "ACK_INVALID");
  EXPECT_EQ(Ack(feed, {1}), "");
  EXPECT_TRUE(feed.IsSettled(0));
  EXPECT_EQ(feed.DoneUpTo(0), 2u);
  feed.AddPartition(0, 3, false);
  EXPECT_THAT(Read(feed), ElementsAre(3)) << "it came back";
}

TEST_F(EventFeedTest, WithoutManualAckAPartitionIsSettledOnceItIsWritten) {
  AppendAll({0, 1});
  EventFeed feed = Member(false);
  feed.AddPartition(0, 1, false);
  EXPECT_THAT(Read(feed, false), ElementsAre(1));
  EXPECT_FALSE(feed.IsSettled(0));
  EXPECT_TRUE(feed.IsSettled(1));
  EXPECT_EQ(feed.DoneUpTo(0), 0u);
  feed.Written(true);
  EXPECT_TRUE(feed.IsSettled(0));
  EXPECT_EQ(feed.DoneUpTo(0), 2u);
}

TEST_F(EventFeedTest, WhatCouldNotBeWrittenIsNotDone) {
  Append(0);
  EventFeed feed = Member(false);
  feed.AddPartition(0, 1, false);
  Read(feed, false);
  feed.Written(false);
  EXPECT_EQ(feed.DoneUpTo(0), 0u);
}

TEST_F(EventFeedTest, IsOverdueWhenTheOldestWaitsTooLong) {
  AppendAll({0, 0});
  EventFeed feed = Member();
  feed.AddPartition(0, 1, false);
  clock_.Advance(5'000);
  EXPECT_FALSE(feed.IsOverdue(clock_.SteadyMillis()));
  Read(feed);
  clock_.Advance(999);
  EXPECT_FALSE(feed.IsOverdue(clock_.SteadyMillis()));
  Ack(feed, {1});
  clock_.Advance(999);
  EXPECT_FALSE(feed.IsOverdue(clock_.SteadyMillis())) << "the second had to wait for the first";
  clock_.Advance(1);
  EXPECT_TRUE(feed.IsOverdue(clock_.SteadyMillis()));
  Ack(feed, {2});
  EXPECT_FALSE(feed.IsOverdue(clock_.SteadyMillis()));
}

TEST_F(EventFeedTest, IsOverdueWhenItDoesNotReadWhatIsWritten) {
  Append(0);
  EventFeed feed = Member(false);
  feed.AddPartition(0, 1, false);
  Read(feed, false);
  clock_.Advance(1'000);
  EXPECT_TRUE(feed.IsOverdue(clock_.SteadyMillis()));
  feed.Written(true);
  EXPECT_FALSE(feed.IsOverdue(clock_.SteadyMillis()));
}

TEST_F(EventFeedTest, TellsTheRestartFirstAndUntilItIsWritten) {
  Append(0);
  EventFeed feed = Member();
  feed.AddPartition(0, 1, true);
  EventFeed::Chunk chunk;
  EXPECT_TRUE(feed.Read(kRoomy, 0, chunk));
  EXPECT_TRUE(chunk.is_restart_gap);
  EXPECT_TRUE(chunk.framed_events.empty());
  EXPECT_TRUE(feed.is_restart_untold());
  feed.Written(true);
  EXPECT_FALSE(feed.is_restart_untold());
  EXPECT_TRUE(feed.Read(kRoomy, 0, chunk));
  EXPECT_FALSE(chunk.is_restart_gap);
  EXPECT_FALSE(chunk.framed_events.empty());
}

TEST_F(EventFeedTest, TellsAGapOfAPartitionThatWasLeftBehind) {
  AppendAll({0, 1, 0});
  clock_.Advance(4'000'000);
  Append(0);
  log_.TrimAge();
  EventFeed feed = Member();
  feed.AddPartition(0, 4, false);
  EventFeed::Chunk chunk;
  feed.Read(kRoomy, 0, chunk);
  EXPECT_FALSE(chunk.gap);
  feed.Written(true);
  feed.AddPartition(1, 2, false);
  EXPECT_TRUE(feed.Read(kRoomy, 0, chunk));
  ASSERT_TRUE(chunk.gap);
  EXPECT_EQ(chunk.gap->first_missing, 2u);
  EXPECT_EQ(chunk.gap->next_available, 4u);
  EXPECT_TRUE(chunk.framed_events.empty()) << "4 is not told again";
}

TEST_F(EventFeedTest, AGapCountsOnceItIsWritten) {
  AppendAll({0, 1, 0});
  clock_.Advance(4'000'000);
  Append(0);
  log_.TrimAge();
  EventFeed feed = Member();
  feed.AddPartition(0, 5, false);
  feed.AddPartition(1, 2, false);
  EventFeed::Chunk chunk;
  EXPECT_TRUE(feed.Read(kRoomy, 0, chunk));
  ASSERT_TRUE(chunk.gap);
  EXPECT_EQ(feed.DoneUpTo(1), 1u) << "who comes next has to be told it, too";
  EXPECT_FALSE(feed.IsSettled(1));
  EXPECT_EQ(feed.DoneUpTo(0), 4u) << "it is not of this partition";
  EXPECT_TRUE(feed.IsSettled(0));
  feed.RemovePartition(1);
  EXPECT_EQ(feed.DoneUpTo(1), 1u);
  feed.Written(true);
  EXPECT_EQ(feed.DoneUpTo(1), 4u);
  EXPECT_TRUE(feed.IsSettled(1));
}

TEST_F(EventFeedTest, TheRestartIsToldOnce) {
  Append(0);
  EventFeed feed = Member();
  feed.AddPartition(0, 1, true);
  Read(feed);
  EXPECT_FALSE(feed.is_restart_untold());
  feed.AddPartition(1, 1, true);
  EXPECT_FALSE(feed.is_restart_untold()) << "what it was told since is of the new log";
}

TEST_F(EventFeedTest, RefusesMoreSequencesThanCanBeOpen) {
  Append(0);
  EventFeed feed = Plain(2);
  Read(feed);
  EXPECT_EQ(Ack(feed, std::vector<uint64_t>(10'000, 1)), "");
  EXPECT_EQ(Ack(feed, std::vector<uint64_t>(10'001, 1)), "ACK_INVALID");
}

TEST_F(EventFeedTest, IsDoneWhenAllIsReadWrittenAndAcked) {
  AppendAll({0, 1});
  EventFeed feed = Member();
  EXPECT_TRUE(feed.IsDoneUpTo(2)) << "it has no partition";
  feed.AddPartition(0, 1, false);
  EXPECT_FALSE(feed.IsDoneUpTo(2));
  Read(feed, false);
  EXPECT_FALSE(feed.IsDoneUpTo(2));
  feed.Written(true);
  EXPECT_FALSE(feed.IsDoneUpTo(2));
  Ack(feed, {1});
  EXPECT_TRUE(feed.IsDoneUpTo(2));
}

}  // namespace
}  // namespace longwire
