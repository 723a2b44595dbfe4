// What it costs to write an event down: its encoding by the session's loop, and the log's append.
#include <benchmark/benchmark.h>

#include <string>

#include "server/base/clock.h"
#include "server/engine/local_event_log.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

constexpr size_t kBatchEvents = 64;

void BM_AppendRouted(benchmark::State& state) {
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendRouted(out, {123'456'789'012'345, "someone", 1'800'000'000'000}, "",
                 {MessageType::kText, text});
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_AppendRouted)->Arg(64)->Arg(4'096);

// With the encoding, and what retention costs: the log is at its bound.
void BM_AppendToLog(benchmark::State& state) {
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  LocalEventLog log("log", size_t{16} << 20, 3'600'000, Clock::Real());
  EventBatch batch;
  for (auto _ : state) {
    for (size_t i = 0; i < kBatchEvents; ++i) {
      AppendRouted(batch.bytes(), {123'456'789'012'345, "someone", 1'800'000'000'000}, "",
                   {MessageType::kText, text});
      batch.Add({.type = v1::EVENT_TYPE_ROUTE});
    }
    log.Append(batch);
    batch.Clear();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatchEvents));
}
BENCHMARK(BM_AppendToLog)->Arg(64)->Arg(4'096);

}  // namespace
}  // namespace longwire
