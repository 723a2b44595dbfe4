#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/load/backend.h"
#include "tests/bench/load/histogram.h"

namespace longwire::bench {

// Names and values of one measurement, in the order in which they were added. Names carry their
// unit and are the keys of the JSON object.
class Report {
 public:
  void AddText(std::string_view name, std::string_view value);
  void AddCount(std::string_view name, uint64_t value);
  void AddNumber(std::string_view name, double value);
  // p50 to p99.99 and the maximum, in microseconds, as NAME_p50_micros and so on.
  void AddLatency(std::string_view name, const Histogram& histogram);
  // Each reason as refused_REASON.
  void AddRefused(const BackendCounts& counts);

  std::string ToTable() const;
  std::string ToJson() const;

 private:
  struct Row {
    std::string name;
    std::string value;
    bool is_text = false;
  };
  std::vector<Row> rows_;
};

}  // namespace longwire::bench
