#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace longwire::bench {

// Counts durations the way HdrHistogram does: buckets grow with the value, so that every
// percentile is right to within 0.8 % from nanoseconds to hours, in fixed memory, and recording is
// one increment.
class Histogram {
 public:
  Histogram();

  // Negative values count as 0: a stamp of another core may be a few nanoseconds ahead.
  void Record(int64_t nanos);

  uint64_t count() const { return count_; }
  int64_t max_nanos() const { return max_nanos_; }

  // The value that `percent` of all recorded ones do not exceed, rounded up to its bucket's end,
  // never above the maximum. 0 if nothing was recorded.
  int64_t PercentileNanos(double percent) const;

 private:
  static constexpr int kPrecisionBits = 7;
  static constexpr uint64_t kLinear = uint64_t{1} << kPrecisionBits;

  static size_t BucketOf(uint64_t nanos);
  static int64_t LastOf(size_t bucket);

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t max_nanos_ = 0;
};

}  // namespace longwire::bench
