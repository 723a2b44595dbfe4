#include "server/engine/local_event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "longwire/v1/gateway.pb.h"
#include "server/base/limits.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

constexpr size_t kRoomy = 64 * 1024 * 1024;
constexpr int64_t kHour = 3'600'000;

// Events of session `id` whose body says which one it is: "<id>/<number>" and then `padding`.
void AddRouted(EventBatch& batch, SessionId id, int number, size_t padding = 0) {
  const std::string body =
      std::to_string(id) + "/" + std::to_string(number) + std::string(padding, '.');
  AppendRouted(batch.bytes(), {id, "uid", 1'800'000'000'000}, "", {MessageType::kText, body});
  batch.Add({.type = v1::EVENT_TYPE_ROUTE});
}

uint64_t AppendOne(EventLog& log, SessionId id, int number, size_t padding = 0) {
  EventBatch batch;
  AddRouted(batch, id, number, padding);
  log.Append(batch);
  return log.head();
}

std::vector<v1::Event> Parse(std::string_view framed) {
  v1::SubscribeEventsResponse response;
  EXPECT_TRUE(response.ParseFromArray(framed.data(), static_cast<int>(framed.size())));
  return {response.events().begin(), response.events().end()};
}

// All events from `from` on, slice by slice.
std::vector<v1::Event> ReadAll(const EventLog& log, uint64_t from) {
  std::vector<v1::Event> all;
  while (true) {
    const EventLog::Slice slice = log.Read(from);
    if (slice.segment == nullptr) return all;
    EXPECT_LT(slice.begin, slice.end);
    for (const v1::Event& event : Parse(slice.segment->Framed(slice.begin, slice.end))) {
      EXPECT_EQ(event.sequence(), from++);
      all.push_back(event);
    }
  }
}

class LocalEventLogTest : public testing::Test {
 protected:
  ManualClock clock_;
  LocalEventLog log_{"log", kRoomy, kHour, clock_};
};

TEST_F(LocalEventLogTest, AnEmptyLogHasNothingToRead) {
  EXPECT_EQ(log_.head(), 0u);
  EXPECT_EQ(log_.stats().first_retained, 1u);
  EXPECT_EQ(log_.log_id(), "log");
  for (const uint64_t from : {uint64_t{0}, uint64_t{1}, uint64_t{2}, UINT64_MAX}) {
    const EventLog::Slice slice = log_.Read(from);
    EXPECT_EQ(slice.segment, nullptr);
    EXPECT_EQ(slice.first_retained, 1u);
    EXPECT_EQ(slice.head, 0u);
  }
}

TEST_F(LocalEventLogTest, SequencesBeginAtOneAndHaveNoHoles) {
  EventBatch batch;
  AddRouted(batch, 1, 0);
  AddRouted(batch, 1, 1);
  AddRouted(batch, 1, 2);
  log_.Append(batch);
  EXPECT_EQ(log_.head(), 3u);
  EXPECT_EQ(AppendOne(log_, 2, 0), 4u);
  EXPECT_EQ(log_.head(), 4u);
  const std::vector<v1::Event> events = ReadAll(log_, 1);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].routed().message().text(), "1/1");
  EXPECT_EQ(events[3].routed().message().text(), "2/0");
}

TEST_F(LocalEventLogTest, AClearedBatchBeginsAnew) {
  EventBatch batch;
  EXPECT_TRUE(batch.empty());
  AddRouted(batch, 1, 0, 100);
  EXPECT_FALSE(batch.empty());
  log_.Append(batch);
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  AddRouted(batch, 1, 1);
  log_.Append(batch);
  EXPECT_EQ(log_.head(), 2u);
  EXPECT_EQ(ReadAll(log_, 2).at(0).routed().message().text(), "1/1");
}

TEST_F(LocalEventLogTest, ABatchGivesTheMemoryOfABurstBack) {
  EventBatch batch;
  for (int i = 0; i < 100; ++i) AddRouted(batch, 1, i, kEventBatchBytesMax / 20);
  ASSERT_GT(batch.bytes().capacity(), 2 * kEventBatchBytesMax);
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_LE(batch.bytes().capacity(), 2 * kEventBatchBytesMax);
  AddRouted(batch, 1, 100);
  log_.Append(batch);
  EXPECT_EQ(ReadAll(log_, 1).at(0).routed().message().text(), "1/100");
}

TEST_F(LocalEventLogTest, EventsStandFramedAsAResponseCarriesThem) {
  // Sizes at which the length takes one byte more.
  EventBatch batch;
  const std::vector<size_t> paddings = {0, 1, 60, 70, 80, 90, 100, 127, 128, 16'300, 16'384};
  for (size_t i = 0; i < paddings.size(); ++i)
    AddRouted(batch, 1, static_cast<int>(i), paddings[i]);
  log_.Append(batch);
  const std::vector<v1::Event> events = ReadAll(log_, 1);
  ASSERT_EQ(events.size(), paddings.size());
  for (size_t i = 0; i < paddings.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), i + 1);
    EXPECT_EQ(events[i].routed().message().text(),
              "1/" + std::to_string(i) + std::string(paddings[i], '.'));
  }
}

TEST_F(LocalEventLogTest, TheTraitsOfAnEventStayWithIt) {
  EventBatch batch;
  AddRouted(batch, 1, 0);
  AppendLeave(batch.bytes(), {1, "", 0}, {});
  batch.Add({.type = v1::EVENT_TYPE_LEAVE, .silent = true, .shard = 63});
  log_.Append(batch);
  const EventLog::Slice slice = log_.Read(1);
  ASSERT_EQ(slice.end, 2u);
  EXPECT_EQ(slice.segment->traits(0).type, v1::EVENT_TYPE_ROUTE);
  EXPECT_FALSE(slice.segment->traits(0).silent);
  EXPECT_EQ(slice.segment->traits(1).type, v1::EVENT_TYPE_LEAVE);
  EXPECT_TRUE(slice.segment->traits(1).silent);
  EXPECT_EQ(slice.segment->traits(1).shard, 63);
}

TEST_F(LocalEventLogTest, ReadingFromEveryPlaceGivesTheRestOfTheLog) {
  constexpr int kEvents = 1'200;
  for (int i = 0; i < kEvents; ++i) AppendOne(log_, 1, i, 4'000);
  std::vector<std::string> texts;
  for (const v1::Event& event : ReadAll(log_, 1)) texts.push_back(event.routed().message().text());
  ASSERT_EQ(texts.size(), static_cast<size_t>(kEvents));
  for (uint64_t from = 1; from <= kEvents; ++from) {
    const EventLog::Slice slice = log_.Read(from);
    ASSERT_NE(slice.segment, nullptr) << from;
    EXPECT_EQ(slice.segment->first_sequence() + slice.begin, from);
    EXPECT_LE(slice.segment->first_sequence() + slice.end - 1, slice.head);
    const std::vector<v1::Event> one = Parse(slice.segment->Framed(slice.begin, slice.begin + 1));
    ASSERT_EQ(one.size(), 1u);
    ASSERT_EQ(one[0].routed().message().text(), texts[from - 1]);
  }
  EXPECT_EQ(log_.Read(kEvents + 1).segment, nullptr);
}

TEST_F(LocalEventLogTest, TheBytesOccupiedStayWithinTheBoundAndTheOldestGoFirst) {
  constexpr size_t kBytesMax = 1024 * 1024;
  LocalEventLog log("log", kBytesMax, kHour, clock_);
  uint64_t first_before = 1;
  for (int i = 0; i < 5'000; ++i) {
    AppendOne(log, 1, i, 1'000);
    const EventLog::Stats stats = log.stats();
    ASSERT_LE(stats.bytes, kBytesMax);
    ASSERT_GE(stats.first_retained, first_before);
    first_before = stats.first_retained;
  }
  const EventLog::Stats stats = log.stats();
  EXPECT_EQ(stats.head, 5'000u);
  // It keeps most of what it may: a segment's worth is lost at the most, and the entries' room.
  EXPECT_GT(stats.head - stats.first_retained, 800u);
  EXPECT_EQ(ReadAll(log, stats.first_retained).size(), stats.head - stats.first_retained + 1);
  const EventLog::Slice dropped = log.Read(stats.first_retained - 1);
  EXPECT_EQ(dropped.segment, nullptr);
  EXPECT_EQ(dropped.first_retained, stats.first_retained);
}

TEST_F(LocalEventLogTest, ManySmallEventsDoNotRunAwayFromTheBoundEither) {
  constexpr size_t kBytesMax = 256 * 1024;
  LocalEventLog log("log", kBytesMax, kHour, clock_);
  for (int i = 0; i < 20'000; ++i) {
    EventBatch batch;
    batch.bytes() += std::string("\x10\x02", 2);  // type: ROUTE, and nothing else.
    batch.Add({.type = v1::EVENT_TYPE_ROUTE});
    log.Append(batch);
    ASSERT_LE(log.stats().bytes, kBytesMax);
  }
  EXPECT_EQ(ReadAll(log, log.stats().first_retained).back().sequence(), 20'000u);
}

TEST_F(LocalEventLogTest, AnEventLargerThanASegmentGetsOneOfItsOwn) {
  LocalEventLog log("log", 1024 * 1024, kHour, clock_);
  AppendOne(log, 1, 0);
  AppendOne(log, 1, 1, 300'000);
  AppendOne(log, 1, 2);
  const std::vector<v1::Event> events = ReadAll(log, 1);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].routed().message().text().size(), 300'003u);
  EXPECT_EQ(events[2].routed().message().text(), "1/2");
}

TEST_F(LocalEventLogTest, TheNewestIsKeptHoweverLargeItIs) {
  LocalEventLog log("log", 64 * 1024, kHour, clock_);
  AppendOne(log, 1, 0);
  AppendOne(log, 1, 1, kMessageBytesMaxMax);
  EXPECT_EQ(log.stats().first_retained, 2u);
  EXPECT_EQ(ReadAll(log, 2).size(), 1u);
  AppendOne(log, 1, 2);
  EXPECT_EQ(log.stats().first_retained, 3u) << "it makes room again for what comes next";
  EXPECT_LE(log.stats().bytes, 64u * 1024);
}

TEST_F(LocalEventLogTest, ABatchLargerThanTheBoundLeavesItsEnd) {
  LocalEventLog log("log", 256 * 1024, kHour, clock_);
  EventBatch batch;
  for (int i = 0; i < 1'000; ++i) AddRouted(batch, 1, i, 1'000);
  log.Append(batch);
  EXPECT_EQ(log.head(), 1'000u);
  EXPECT_LE(log.stats().bytes, 256u * 1024);
  const std::vector<v1::Event> events = ReadAll(log, log.stats().first_retained);
  EXPECT_EQ(events.back().sequence(), 1'000u);
}

TEST_F(LocalEventLogTest, WhatIsOlderThanTheRetainedAgeIsTrimmedAndNothingYounger) {
  LocalEventLog log("log", kRoomy, kHour, clock_);
  for (int i = 0; i < 300; ++i) AppendOne(log, 1, i, 10'000);
  const uint64_t old_head = log.head();
  clock_.Advance(kHour / 2);
  for (int i = 0; i < 300; ++i) AppendOne(log, 2, i, 10'000);
  log.TrimAge();
  EXPECT_EQ(log.stats().first_retained, 1u) << "half an hour old";

  clock_.Advance(kHour / 2 + 1);
  log.TrimAge();
  const uint64_t first = log.stats().first_retained;
  EXPECT_GT(first, 1u);
  EXPECT_LE(first, old_head + 1) << "an event of the second half is younger";
  EXPECT_EQ(log.Read(first - 1).segment, nullptr);
  EXPECT_EQ(ReadAll(log, first).size(), log.head() - first + 1);
}

TEST_F(LocalEventLogTest, ALogInWhichAllIsOldIsEmptyAndGoesOnCounting) {
  AppendOne(log_, 1, 0);
  AppendOne(log_, 1, 1);
  clock_.Advance(kHour);
  log_.TrimAge();
  EXPECT_EQ(log_.stats().first_retained, 1u) << "just as old as may be";
  clock_.Advance(1);
  log_.TrimAge();
  EXPECT_EQ(log_.stats().first_retained, 3u);
  EXPECT_EQ(log_.stats().head, 2u);
  EXPECT_EQ(log_.stats().bytes, 0u);
  EXPECT_EQ(log_.Read(2).segment, nullptr);
  EXPECT_EQ(AppendOne(log_, 1, 2), 3u);
  EXPECT_EQ(ReadAll(log_, 3).at(0).routed().message().text(), "1/2");
}

// A segment goes as a whole: it must not go on for as long as it has room.
TEST_F(LocalEventLogTest, AQuietLogKeepsAnEventNoLongerThanASixteenthOverItsAge) {
  constexpr int64_t kStep = kHour / 100;
  for (int i = 0; i < 1'000; ++i) {
    AppendOne(log_, 1, i);
    log_.TrimAge();
    const auto retained = static_cast<int64_t>(log_.head() - log_.stats().first_retained);
    ASSERT_LE(retained * kStep, kHour + kHour / 16 + kStep) << "event " << i;
    ASSERT_TRUE(i < 101 || retained * kStep >= kHour - kStep) << "event " << i;
    clock_.Advance(kStep);
  }
}

TEST_F(LocalEventLogTest, AWallClockThatStepsTrimsNothing) {
  AppendOne(log_, 1, 0);
  clock_.StepWall(100 * kHour);
  log_.TrimAge();
  EXPECT_EQ(log_.stats().first_retained, 1u);
}

TEST_F(LocalEventLogTest, WhatWasReadStaysReadableWhenItIsDropped) {
  LocalEventLog log("log", 128 * 1024, kHour, clock_);
  AppendOne(log, 1, 0);
  const EventLog::Slice slice = log.Read(1);
  for (int i = 1; i < 2'000; ++i) AppendOne(log, 1, i, 1'000);
  ASSERT_EQ(log.Read(1).segment, nullptr);
  const std::vector<v1::Event> events = Parse(slice.segment->Framed(slice.begin, slice.end));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].routed().message().text(), "1/0");
}

TEST_F(LocalEventLogTest, TheListenerIsToldAfterEachAppendWhenItCanBeRead) {
  std::vector<uint64_t> heads;
  log_.SetListener([&] { heads.push_back(log_.head()); });
  AppendOne(log_, 1, 0);
  EventBatch batch;
  AddRouted(batch, 1, 1);
  AddRouted(batch, 1, 2);
  log_.Append(batch);
  EXPECT_THAT(heads, testing::ElementsAre(1u, 3u));
}

// Four writers, and readers who follow while retention drops behind them: what a reader sees is
// whole, in order, and each writer's events come in the order they were written.
TEST_F(LocalEventLogTest, ReadersFollowWhileWritersAppendAndRetentionDrops) {
  constexpr int kWriters = 4;
  constexpr int kBatches = 2'000;
  constexpr uint64_t kTotal = kWriters * kBatches * 2;
  LocalEventLog log("log", 512 * 1024, kHour, Clock::Real());
  std::vector<std::thread> threads;
  for (int writer = 1; writer <= kWriters; ++writer) {
    threads.emplace_back([&log, writer] {
      for (int i = 0; i < kBatches; ++i) {
        EventBatch batch;
        AddRouted(batch, writer, 2 * i, static_cast<size_t>(i % 700));
        AddRouted(batch, writer, 2 * i + 1);
        log.Append(batch);
      }
    });
  }
  std::atomic<uint64_t> seen_by_all{0};
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&log, &seen_by_all] {
      std::vector<int> last(kWriters + 1, -1);
      uint64_t next = 1, seen = 0;
      while (next <= kTotal) {
        const EventLog::Slice slice = log.Read(next);
        if (next < slice.first_retained) next = slice.first_retained;
        if (slice.segment == nullptr) continue;
        for (const v1::Event& event : Parse(slice.segment->Framed(slice.begin, slice.end))) {
          ASSERT_EQ(event.sequence(), next++);
          const std::string& text = event.routed().message().text();
          const int number = std::stoi(text.substr(text.find('/') + 1));
          ASSERT_GT(number, last[event.session_id()]);
          last[event.session_id()] = number;
          ++seen;
        }
      }
      seen_by_all += seen;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log.head(), kTotal);
  EXPECT_GT(seen_by_all, 0u);
}

}  // namespace
}  // namespace longwire
