// How long to wait before trying again.
#pragma once

#include <chrono>
#include <random>

namespace longwire::client::internal {

// Doubles from `first` to `longest`; each wait is between half of that and all of it, at random,
// so that clients that lost one gateway together do not come back together. Not thread-safe.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest, unsigned seed);

  std::chrono::milliseconds Next();
  // An attempt succeeded: begin anew.
  void Reset() { step_ = first_; }

 private:
  const std::chrono::milliseconds first_;
  const std::chrono::milliseconds longest_;
  std::chrono::milliseconds step_;
  std::minstd_rand random_;
};

}  // namespace longwire::client::internal
