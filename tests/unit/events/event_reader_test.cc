#include "server/events/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "longwire/v1/gateway.pb.h"
#include "server/base/limits.h"
#include "server/engine/local_event_log.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kRoomy = 1024 * 1024;
constexpr int64_t kHour = 3'600'000;
constexpr EventFilter kEverything = {.types = EventFilter::kAllTypes, .include_silent = true};

std::vector<uint64_t> Sequences(const EventReader::Chunk& chunk) {
  v1::SubscribeEventsResponse response;
  EXPECT_TRUE(response.ParseFromString(chunk.framed_events));
  std::vector<uint64_t> sequences;
  for (const v1::Event& event : response.events()) sequences.push_back(event.sequence());
  return sequences;
}

class EventReaderTest : public testing::Test {
 protected:
  void Append(v1::EventType type, uint8_t shard = 0, size_t body_bytes = 0, bool silent = false) {
    EventBatch batch;
    const EventHead head{1, "alice", 1'800'000'000'000};
    if (type == v1::EVENT_TYPE_ENTER) AppendEnter(batch.bytes(), head, {});
    if (type == v1::EVENT_TYPE_LEAVE) AppendLeave(batch.bytes(), head, {.silent = silent});
    if (type == v1::EVENT_TYPE_ROUTE) {
      AppendRouted(batch.bytes(), head, "", {MessageType::kText, std::string(body_bytes, 'x')});
    }
    batch.Add({.type = static_cast<uint8_t>(type), .silent = silent, .shard = shard});
    log_->Append(batch);
  }
  // 1 ENTER, 2 ROUTE, 3 ROUTE, 4 silent LEAVE, 5 ENTER, 6 LEAVE
  void AppendMixture() {
    Append(v1::EVENT_TYPE_ENTER);
    Append(v1::EVENT_TYPE_ROUTE);
    Append(v1::EVENT_TYPE_ROUTE);
    Append(v1::EVENT_TYPE_LEAVE, 0, 0, true);
    Append(v1::EVENT_TYPE_ENTER);
    Append(v1::EVENT_TYPE_LEAVE);
  }
  std::vector<uint64_t> ReadWith(EventFilter filter, uint64_t next = 1) {
    EventReader reader(*log_, filter, next);
    EventReader::Chunk chunk;
    EXPECT_TRUE(reader.Read(kRoomy, chunk));
    EXPECT_EQ(chunk.covered, log_->head()) << "progress counts what was not wanted, too";
    EXPECT_FALSE(chunk.gap);
    return Sequences(chunk);
  }
  void UseLog(size_t bytes_max) {
    log_ = std::make_unique<LocalEventLog>("log", bytes_max, kHour, clock_);
  }
  static EventFilter Only(v1::EventType type, bool include_silent = false) {
    return {.types = static_cast<uint8_t>(1 << type), .include_silent = include_silent};
  }

  ManualClock clock_;
  std::unique_ptr<LocalEventLog> log_ =
      std::make_unique<LocalEventLog>("log", 64 * kRoomy, kHour, clock_);
};

TEST_F(EventReaderTest, GivesTheTypesThatAreAskedFor) {
  AppendMixture();
  EXPECT_THAT(ReadWith(kEverything), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ReadWith(Only(v1::EVENT_TYPE_ENTER)), ElementsAre(1, 5));
  EXPECT_THAT(ReadWith(Only(v1::EVENT_TYPE_ROUTE)), ElementsAre(2, 3));
  EXPECT_THAT(ReadWith(Only(v1::EVENT_TYPE_LEAVE)), ElementsAre(6));
  EXPECT_THAT(ReadWith({.types = 0}), IsEmpty());
}

TEST_F(EventReaderTest, GivesSilentLeavesOnlyToThoseWhoAsk) {
  AppendMixture();
  EXPECT_THAT(ReadWith({.types = EventFilter::kAllTypes}), ElementsAre(1, 2, 3, 5, 6));
  EXPECT_THAT(ReadWith(Only(v1::EVENT_TYPE_LEAVE, true)), ElementsAre(4, 6));
}

TEST_F(EventReaderTest, BeginsAtAnyPlace) {
  AppendMixture();
  for (uint64_t next = 1; next <= 6; ++next) {
    EXPECT_EQ(ReadWith(kEverything, next).size(), 7 - next) << next;
  }
}

TEST_F(EventReaderTest, HasNothingToTellAtTheHeadUntilTheLogGrows) {
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  EXPECT_FALSE(reader.Read(kRoomy, chunk));
  EXPECT_EQ(chunk.covered, 0u);
  EXPECT_EQ(chunk.head, 0u);

  AppendMixture();
  EXPECT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_EQ(Sequences(chunk).size(), 6u);
  EXPECT_FALSE(reader.Read(kRoomy, chunk));
  EXPECT_TRUE(chunk.framed_events.empty()) << "nothing is given twice";
  EXPECT_EQ(chunk.covered, 6u);
  EXPECT_EQ(chunk.head, 6u);

  Append(v1::EVENT_TYPE_ROUTE);
  EXPECT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(7));
  EXPECT_EQ(reader.next(), 8u);
}

TEST_F(EventReaderTest, ProgressOverUnwantedEventsIsToldWithoutAny) {
  for (int i = 0; i < 10; ++i) Append(v1::EVENT_TYPE_ROUTE);
  EventReader reader(*log_, Only(v1::EVENT_TYPE_LEAVE), 1);
  EventReader::Chunk chunk;
  EXPECT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_TRUE(chunk.framed_events.empty());
  EXPECT_EQ(chunk.covered, 10u);
  EXPECT_FALSE(reader.Read(kRoomy, chunk));
}

// Whatever the bound, the chunks put together are the log; each keeps the bound or is one event.
TEST_F(EventReaderTest, CutsChunksAtTheBoundAndLosesNothing) {
  for (int i = 0; i < 200; ++i) {
    Append(i % 7 == 0 ? v1::EVENT_TYPE_ENTER : v1::EVENT_TYPE_ROUTE, 0, static_cast<size_t>(i * 5));
  }
  for (const size_t bytes_max : {size_t{1}, size_t{100}, size_t{1'000}, size_t{5'000}, kRoomy}) {
    for (const EventFilter filter : {kEverything, Only(v1::EVENT_TYPE_ROUTE)}) {
      EventReader reader(*log_, filter, 1);
      EventReader::Chunk chunk;
      std::vector<uint64_t> all;
      while (reader.Read(bytes_max, chunk)) {
        const std::vector<uint64_t> sequences = Sequences(chunk);
        EXPECT_TRUE(chunk.framed_events.size() <= bytes_max || sequences.size() == 1);
        EXPECT_TRUE(sequences.empty() || chunk.covered >= sequences.back());
        EXPECT_EQ(chunk.head, 200u);
        all.insert(all.end(), sequences.begin(), sequences.end());
      }
      EXPECT_EQ(all, ReadWith(filter)) << bytes_max;
    }
  }
}

TEST_F(EventReaderTest, CoveredIsTheLastEventBeforeTheOneThatHadNoRoom) {
  for (int i = 0; i < 5; ++i) Append(v1::EVENT_TYPE_ROUTE, 0, 100);
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  ASSERT_TRUE(reader.Read(300, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(1, 2));
  EXPECT_EQ(chunk.covered, 2u);
  EXPECT_EQ(reader.next(), 3u);
}

TEST_F(EventReaderTest, AnEventLargerThanTheBoundComesAlone) {
  Append(v1::EVENT_TYPE_ROUTE, 0, 10);
  Append(v1::EVENT_TYPE_ROUTE, 0, 5'000);
  Append(v1::EVENT_TYPE_ROUTE, 0, 10);
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  for (const uint64_t sequence : {1u, 2u, 3u}) {
    ASSERT_TRUE(reader.Read(1'000, chunk));
    EXPECT_THAT(Sequences(chunk), ElementsAre(sequence));
    EXPECT_EQ(chunk.covered, sequence);
  }
}

TEST_F(EventReaderTest, AChunkGoesOverTheEndOfASegment) {
  UseLog(1024 * 1024);  // Segments of 64 KiB.
  for (int i = 0; i < 200; ++i) Append(v1::EVENT_TYPE_ROUTE, 0, 1'000);
  ASSERT_LT(log_->Read(1).end, 200u) << "this should be several segments";
  EXPECT_EQ(ReadWith(kEverything).size(), 200u);
}

TEST_F(EventReaderTest, OneReadLooksAtABoundedNumberOfEvents) {
  EventBatch batch;
  for (size_t i = 0; i < kEventsScannedPerReadMax + 50'000; ++i) {
    AppendRouted(batch.bytes(), {1, "", 0}, "", {});
    batch.Add({.type = v1::EVENT_TYPE_ROUTE});
  }
  log_->Append(batch);
  Append(v1::EVENT_TYPE_LEAVE);
  EventReader reader(*log_, Only(v1::EVENT_TYPE_LEAVE), 1);
  EventReader::Chunk chunk;
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_TRUE(chunk.framed_events.empty());
  EXPECT_GE(chunk.covered, kEventsScannedPerReadMax);
  EXPECT_LT(chunk.covered, chunk.head);
  while (chunk.framed_events.empty()) ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(log_->head()));
}

TEST_F(EventReaderTest, WhatRetentionHasDroppedIsToldAsAGapBeforeTheEvents) {
  UseLog(256 * 1024);
  for (int i = 0; i < 1'000; ++i) Append(v1::EVENT_TYPE_ROUTE, 0, 1'000);
  const uint64_t first = log_->stats().first_retained;
  ASSERT_GT(first, 100u);
  EventReader reader(*log_, kEverything, 5);
  EventReader::Chunk chunk;
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  ASSERT_TRUE(chunk.gap);
  EXPECT_EQ(chunk.gap->first_missing, 5u);
  EXPECT_EQ(chunk.gap->next_available, first);
  EXPECT_EQ(Sequences(chunk).front(), first);
  EXPECT_EQ(chunk.covered, log_->head());
  EXPECT_FALSE(reader.Read(kRoomy, chunk));
  EXPECT_FALSE(chunk.gap) << "it is told once";
}

TEST_F(EventReaderTest, AGapIsToldAlsoWhenNothingIsLeft) {
  AppendMixture();
  clock_.Advance(kHour + 1);
  log_->TrimAge();
  EventReader reader(*log_, kEverything, 3);
  EventReader::Chunk chunk;
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  ASSERT_TRUE(chunk.gap);
  EXPECT_EQ(chunk.gap->first_missing, 3u);
  EXPECT_EQ(chunk.gap->next_available, 7u);
  EXPECT_THAT(Sequences(chunk), IsEmpty());
  EXPECT_EQ(chunk.covered, 6u);
}

TEST_F(EventReaderTest, WhoHasReadToTheHeadMissesNothingWhenAllIsTrimmed) {
  AppendMixture();
  EventReader reader(*log_, kEverything, 7);
  clock_.Advance(kHour + 1);
  log_->TrimAge();
  EventReader::Chunk chunk;
  EXPECT_FALSE(reader.Read(kRoomy, chunk));
  EXPECT_FALSE(chunk.gap);
  Append(v1::EVENT_TYPE_ENTER);
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_FALSE(chunk.gap);
  EXPECT_THAT(Sequences(chunk), ElementsAre(7));
}

// Retention may drop what is next while a chunk is gathered: the gap then waits for the next one.
TEST_F(EventReaderTest, AGapNeverStandsBehindEventsWhoeverDropsThemMeanwhile) {
  constexpr uint64_t kBatches = 1'500;
  constexpr uint64_t kEvents = 40 * kBatches;
  UseLog(128 * 1024);
  std::thread writer([this] {
    // More than the log holds: an append in the wrong moment drops all there was.
    EventBatch batch;
    for (int i = 0; i < 40; ++i) {
      AppendRouted(batch.bytes(), {1, "", 0}, "", {MessageType::kText, std::string(4'000, 'x')});
      batch.Add({.type = v1::EVENT_TYPE_ROUTE});
    }
    for (uint64_t i = 0; i < kBatches; ++i) log_->Append(batch);
  });
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  uint64_t next = 1;
  while (next <= kEvents && !HasFailure()) {
    if (!reader.Read(kRoomy, chunk)) continue;
    if (chunk.gap) {
      EXPECT_EQ(chunk.gap->first_missing, next);
      next = chunk.gap->next_available;
    }
    for (const uint64_t sequence : Sequences(chunk)) EXPECT_EQ(sequence, next++);
    EXPECT_EQ(chunk.covered, next - 1);
  }
  writer.join();
}

TEST_F(EventReaderTest, PassesOverWhatASnapshotHasToldShardByShard) {
  Append(v1::EVENT_TYPE_ENTER, 0);  // 1
  Append(v1::EVENT_TYPE_ENTER, 1);  // 2
  Append(v1::EVENT_TYPE_LEAVE, 0);  // 3
  Append(v1::EVENT_TYPE_ENTER, 2);  // 4
  Append(v1::EVENT_TYPE_LEAVE, 1);  // 5
  Append(v1::EVENT_TYPE_ENTER, 0);  // 6
  EventReader reader(*log_, kEverything, 1);
  reader.JumpTo(2);
  reader.SkipUpTo({3, 1, 5});
  EventReader::Chunk chunk;
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(2, 5, 6));
  EXPECT_EQ(chunk.covered, 6u);
}

TEST_F(EventReaderTest, JumpsAheadAndBack) {
  AppendMixture();
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  reader.JumpTo(6);
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(6));
  reader.JumpTo(5);
  ASSERT_TRUE(reader.Read(kRoomy, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(5, 6));
}

class EventReaderOfPartitionsTest : public EventReaderTest {
 protected:
  EventReaderOfPartitionsTest() { reader_.ReadOnlyAdded(4); }

  void AppendTo(const std::vector<PartitionNumber>& partitions) {
    for (const PartitionNumber partition : partitions) {
      EventBatch batch;
      AppendRouted(batch.bytes(), {1, "alice", 0}, "", {MessageType::kText, "hi"});
      batch.Add({.type = v1::EVENT_TYPE_ROUTE, .partition = partition});
      log_->Append(batch);
    }
  }
  std::vector<uint64_t> Read(size_t events_max = SIZE_MAX) {
    reader_.Read(kRoomy, events_max, chunk_);
    return Sequences(chunk_);
  }

  EventReader reader_{*log_, kEverything, 1};
  EventReader::Chunk chunk_;
};

TEST_F(EventReaderOfPartitionsTest, ReadsNothingUntilOneIsAdded) {
  AppendTo({0, 1});
  EXPECT_FALSE(reader_.ReadsAny());
  EXPECT_THAT(Read(), IsEmpty());
  reader_.AddPartition(1, 1);
  EXPECT_THAT(Read(), ElementsAre(2));
}

TEST_F(EventReaderOfPartitionsTest, BeginsWithEachWhereItIsToldAndGivesNothingTwice) {
  AppendTo({0, 1, 2, 0, 1, 2, 0, 1, 2});
  reader_.AddPartition(0, 4);
  EXPECT_THAT(Read(), ElementsAre(4, 7));
  reader_.AddPartition(1, 3);
  EXPECT_EQ(reader_.next(), 3u) << "it goes back";
  EXPECT_EQ(reader_.NextOf(0), 10u);
  EXPECT_THAT(Read(), ElementsAre(5, 8));
  AppendTo({2, 1, 0});
  EXPECT_THAT(Read(), ElementsAre(11, 12));
}

TEST_F(EventReaderOfPartitionsTest, OneThatIsRemovedOnTheWayIsTakenUpWhereItWas) {
  AppendTo({0, 1, 0, 1, 0, 1});
  reader_.AddPartition(0, 1);
  reader_.AddPartition(1, 1);
  EXPECT_THAT(Read(3), ElementsAre(1, 2, 3));
  EXPECT_EQ(reader_.RemovePartition(1), 4u);
  EXPECT_FALSE(reader_.Reads(1));
  EXPECT_THAT(Read(), ElementsAre(5));
  reader_.AddPartition(1, 4);
  EXPECT_THAT(Read(), ElementsAre(4, 6));
}

TEST_F(EventReaderOfPartitionsTest, DoesNotStayBehindForOneThatIsGone) {
  AppendTo({0, 1});
  clock_.Advance(2 * kHour);
  AppendTo({0, 1});
  log_->TrimAge();
  reader_.AddPartition(0, 4);
  reader_.AddPartition(1, 1);
  reader_.RemovePartition(1);
  EXPECT_EQ(reader_.next(), 4u);
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_FALSE(chunk_.gap) << "what is missing is not its affair any more";
}

TEST_F(EventReaderOfPartitionsTest, NotesWhatItTakesIfItIsToldTo) {
  AppendTo({3, 2});
  reader_.AddPartition(2, 1);
  reader_.AddPartition(3, 1);
  Read();
  EXPECT_THAT(chunk_.taken, IsEmpty());
  reader_.NoteTaken();
  AppendTo({0, 2, 3});
  Read();
  ASSERT_EQ(chunk_.taken.size(), 2u);
  EXPECT_EQ(chunk_.taken[0].sequence, 4u);
  EXPECT_EQ(chunk_.taken[0].partition, 2);
  EXPECT_EQ(chunk_.taken[1].sequence, 5u);
}

TEST_F(EventReaderTest, ReadsAtMostSoManyEvents) {
  AppendMixture();
  EventReader reader(*log_, kEverything, 1);
  EventReader::Chunk chunk;
  EXPECT_TRUE(reader.Read(kRoomy, 2, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(1, 2));
  EXPECT_TRUE(reader.Read(kRoomy, 3, chunk));
  EXPECT_THAT(Sequences(chunk), ElementsAre(3, 4, 5));
}

}  // namespace
}  // namespace longwire
