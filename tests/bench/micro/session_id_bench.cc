#include <benchmark/benchmark.h>

#include "server/base/clock.h"
#include "server/core/session_id.h"

namespace longwire {
namespace {

constexpr int64_t kEpochMillis = 1'704'067'200'000;  // 2024-01-01.

void BM_SnowflakeNext(benchmark::State& state) {
  SnowflakeGenerator ids(Clock::Real(), kEpochMillis, /*node=*/1, /*shards=*/2);
  for (auto _ : state) benchmark::DoNotOptimize(ids.Next(1));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SnowflakeNext);

void BM_SnowflakeShardOf(benchmark::State& state) {
  SnowflakeGenerator ids(Clock::Real(), kEpochMillis, /*node=*/1, /*shards=*/2);
  const SessionId id = ids.Next(1);
  for (auto _ : state) benchmark::DoNotOptimize(ids.ShardOf(id));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SnowflakeShardOf);

}  // namespace
}  // namespace longwire
