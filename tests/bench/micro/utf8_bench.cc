#include <benchmark/benchmark.h>

#include <string>

#include "server/base/utf8.h"

namespace longwire {
namespace {

void Validate(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(IsValidUtf8(text));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void BM_Utf8Ascii(benchmark::State& state) {
  Validate(state, std::string(static_cast<size_t>(state.range(0)), 'x'));
}
BENCHMARK(BM_Utf8Ascii)->Arg(64)->Arg(4096);

void BM_Utf8Umlauts(benchmark::State& state) {
  std::string text;
  while (text.size() < static_cast<size_t>(state.range(0))) text += "ü";
  Validate(state, text);
}
BENCHMARK(BM_Utf8Umlauts)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace longwire
