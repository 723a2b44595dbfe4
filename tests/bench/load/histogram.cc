#include "tests/bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace longwire::bench {

// One row of kLinear buckets for each position of the highest bit at or above kPrecisionBits, and
// one for all values below.
Histogram::Histogram() : buckets_((64 - kPrecisionBits + 1) * kLinear) {}

void Histogram::Record(int64_t nanos) {
  nanos = std::max<int64_t>(nanos, 0);
  ++buckets_[BucketOf(static_cast<uint64_t>(nanos))];
  ++count_;
  max_nanos_ = std::max(max_nanos_, nanos);
}

int64_t Histogram::PercentileNanos(double percent) const {
  if (count_ == 0) return 0;
  const double exact = std::ceil(static_cast<double>(count_) * percent / 100.0);
  const auto rank = std::clamp<uint64_t>(static_cast<uint64_t>(exact), 1, count_);
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(LastOf(bucket), max_nanos_);
  }
  return max_nanos_;
}

// Keeps the kPrecisionBits bits behind the highest one: the row is where the highest bit stands,
// the place in the row is those bits.
size_t Histogram::BucketOf(uint64_t nanos) {
  if (nanos < kLinear) return nanos;
  const int shift = std::bit_width(nanos) - 1 - kPrecisionBits;
  return static_cast<size_t>(shift + 1) * kLinear + ((nanos >> shift) - kLinear);
}

int64_t Histogram::LastOf(size_t bucket) {
  if (bucket < kLinear) return static_cast<int64_t>(bucket);
  const auto shift = static_cast<int>(bucket / kLinear) - 1;
  const uint64_t first = (bucket % kLinear + kLinear) << shift;
  return static_cast<int64_t>(first + (uint64_t{1} << shift) - 1);
}

}  // namespace longwire::bench
