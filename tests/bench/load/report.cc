#include "tests/bench/load/report.h"

#include <algorithm>
#include <cstdio>

namespace longwire::bench {
namespace {

// Labels come from the command line and reasons from the server: neither is trusted to be plain.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter);
  }
  return out + "\"";
}

}  // namespace

void Report::AddText(std::string_view name, std::string_view value) {
  rows_.push_back({std::string(name), std::string(value), /*is_text=*/true});
}

void Report::AddCount(std::string_view name, uint64_t value) {
  rows_.push_back({std::string(name), std::to_string(value)});
}

void Report::AddNumber(std::string_view name, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.3f", value);
  rows_.push_back({std::string(name), text});
}

void Report::AddLatency(std::string_view name, const Histogram& histogram) {
  constexpr std::pair<const char*, double> kPercentiles[] = {
      {"_p50_micros", 50},     {"_p90_micros", 90},       {"_p99_micros", 99},
      {"_p99_9_micros", 99.9}, {"_p99_99_micros", 99.99}, {"_max_micros", 100}};
  for (const auto& [suffix, percent] : kPercentiles) {
    AddNumber(std::string(name) + suffix,
              static_cast<double>(histogram.PercentileNanos(percent)) / 1000);
  }
}

void Report::AddRefused(const BackendCounts& counts) {
  for (const auto& [reason, count] : counts.refused) AddCount("refused_" + reason, count);
}

std::string Report::ToTable() const {
  size_t width = 0;
  for (const Row& row : rows_) width = std::max(width, row.name.size());
  std::string out;
  for (const Row& row : rows_) {
    out += row.name + std::string(width - row.name.size() + 2, ' ') + row.value + "\n";
  }
  return out;
}

std::string Report::ToJson() const {
  std::string out = "{";
  for (const Row& row : rows_) {
    if (out.size() > 1) out += ", ";
    out += Quoted(row.name) + ": " + (row.is_text ? Quoted(row.value) : row.value);
  }
  return out + "}\n";
}

}  // namespace longwire::bench
