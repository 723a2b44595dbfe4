#include <benchmark/benchmark.h>

#include <string>

#include "server/protocol/command.h"

namespace longwire {
namespace {

void BM_SplitCommand(benchmark::State& state) {
  const std::string message = "say " + std::string(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    Command command = SplitCommand(message);
    benchmark::DoNotOptimize(command);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SplitCommand)->Arg(64)->Arg(4096);

// The whole message is looked through for a space that is not there.
void BM_SplitCommandWithoutSpace(benchmark::State& state) {
  const std::string message(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    Command command = SplitCommand(message);
    benchmark::DoNotOptimize(command);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SplitCommandWithoutSpace)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace longwire
