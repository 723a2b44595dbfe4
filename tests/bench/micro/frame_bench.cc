#include <benchmark/benchmark.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "server/edge/frame.h"

namespace longwire {
namespace {

constexpr size_t kMessageBytesMax = 65'536;
constexpr size_t kReadBytes = 64 * 1024;

// As many masked text frames as a read buffer takes, and not a part of one more. The mask is zero
// for the unmasking in place to leave the input as it was for the next round; the codec does not
// look at the key, so the work is the same.
std::vector<char> MaskedTexts(size_t payload_bytes) {
  std::string frame;
  frame.push_back(static_cast<char>(0x81));
  if (payload_bytes < 126) {
    frame.push_back(static_cast<char>(0x80 | payload_bytes));
  } else {
    frame.push_back(static_cast<char>(0x80 | 126));
    frame.push_back(static_cast<char>(payload_bytes >> 8));
    frame.push_back(static_cast<char>(payload_bytes));
  }
  frame.append(4, '\0');
  frame.append(payload_bytes, 'x');
  std::vector<char> out;
  while (out.size() + frame.size() <= kReadBytes) out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

void BM_FrameReaderNext(benchmark::State& state) {
  std::vector<char> bytes = MaskedTexts(static_cast<size_t>(state.range(0)));
  FrameReader reader;
  std::span<char> input;
  for (auto _ : state) {
    if (input.empty()) input = bytes;
    FrameReader::Item item = reader.Next(input, kMessageBytesMax);
    benchmark::DoNotOptimize(item);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FrameReaderNext)->Arg(64)->Arg(4096);

// A frame that arrives in two reads has to be kept in between.
void BM_FrameReaderNextInTwoParts(benchmark::State& state) {
  std::vector<char> bytes = MaskedTexts(64);
  bytes.resize(6 + 64);
  FrameReader reader;
  for (auto _ : state) {
    std::span<char> first(bytes.data(), 32);
    std::span<char> second(bytes.data() + 32, bytes.size() - 32);
    FrameReader::Item item = reader.Next(first, kMessageBytesMax);
    benchmark::DoNotOptimize(item);
    item = reader.Next(second, kMessageBytesMax);
    benchmark::DoNotOptimize(item);
    item = reader.Next(second, kMessageBytesMax);
    benchmark::DoNotOptimize(item);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FrameReaderNextInTwoParts);

void BM_AppendFrame(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  std::string out;
  out.reserve(kReadBytes);
  for (auto _ : state) {
    if (out.size() + payload.size() + kServerFrameHeaderBytesMax > kReadBytes) out.clear();
    AppendFrame(out, Opcode::kText, payload);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_AppendFrame)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace longwire
