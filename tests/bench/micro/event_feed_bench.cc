// What one event costs on its way to a subscriber, before gRPC: to a plain one, to a member of a
// group that holds a quarter of the partitions, and to one that acknowledges it.
#include <benchmark/benchmark.h>

#include <string>

#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/engine/local_event_log.h"
#include "server/events/event_encoder.h"
#include "server/events/event_feed.h"

namespace longwire {
namespace {

constexpr uint32_t kPartitions = 64;
constexpr size_t kEvents = 200'000;

// A log with events of 64 bytes of text, from session to session and partition to partition.
class FullLog {
 public:
  FullLog() {
    const std::string text(64, 'x');
    EventBatch batch;
    for (size_t i = 0; i < kEvents; ++i) {
      AppendRouted(batch.bytes(), {static_cast<SessionId>(i % 1'000 + 1), "someone", 0}, "",
                   {MessageType::kText, text});
      batch.Add({.type = v1::EVENT_TYPE_ROUTE,
                 .partition = static_cast<PartitionNumber>(i % kPartitions)});
      if (batch.items().size() < 500) continue;
      log_.Append(batch);
      batch.Clear();
    }
  }
  const EventLog& log() const { return log_; }

 private:
  LocalEventLog log_{"log", size_t{1} << 30, 3'600'000, Clock::Real()};
};

// Reads the whole log; `acknowledge` is told of each response.
template <typename Acknowledge>
size_t ReadAll(EventFeed& feed, const Acknowledge& acknowledge) {
  EventFeed::Chunk chunk;
  size_t responses = 0;
  while (feed.Read(kResponseBytesMax, 0, chunk)) {
    benchmark::DoNotOptimize(chunk.framed_events.data());
    feed.Written(true);
    acknowledge(chunk);
    ++responses;
  }
  return responses;
}

void BM_FeedPlain(benchmark::State& state) {
  const FullLog full;
  for (auto _ : state) {
    EventFeed feed(full.log(), {.filter = {.types = EventFilter::kAllTypes}}, 1);
    ReadAll(feed, [](const EventFeed::Chunk&) {});
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEvents));
}
BENCHMARK(BM_FeedPlain);

EventFeed MemberOf(const FullLog& full, bool manual_ack) {
  EventFeed feed(full.log(),
                 {.filter = {.types = EventFilter::kAllTypes},
                  .manual_ack = manual_ack,
                  .unacked_events_max = kUnackedEventsDefault,
                  .partitions = kPartitions},
                 1);
  for (PartitionNumber partition = 0; partition < kPartitions; partition += 4) {
    feed.AddPartition(partition, 1, false);
  }
  return feed;
}

// Per event that it gets; it looks at four times as many.
void BM_FeedMember(benchmark::State& state) {
  const FullLog full;
  for (auto _ : state) {
    EventFeed feed = MemberOf(full, false);
    ReadAll(feed, [](const EventFeed::Chunk&) {});
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEvents / 4));
}
BENCHMARK(BM_FeedMember);

void BM_FeedMemberThatAcknowledges(benchmark::State& state) {
  const FullLog full;
  for (auto _ : state) {
    EventFeed feed = MemberOf(full, true);
    v1::AckEventsRequest ack;
    ReadAll(feed, [&](const EventFeed::Chunk& chunk) {
      if (chunk.taken.empty()) return;
      ack.set_up_to(chunk.taken.back().sequence);
      benchmark::DoNotOptimize(feed.Acknowledge(ack, 0));
    });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEvents / 4));
}
BENCHMARK(BM_FeedMemberThatAcknowledges);

}  // namespace
}  // namespace longwire
