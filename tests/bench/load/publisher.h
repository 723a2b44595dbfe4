#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/load/backend.h"
#include "tests/bench/load/credit.h"
#include "tests/bench/load/options.h"

namespace longwire::bench {

// A thread that pushes batches to the sessions in turn, as fast as its credit lets it or at a fixed
// rate. At a fixed rate a message is stamped with the time at which it was due, not with the time
// at which it left: a server that holds the publisher up is charged for the wait.
class Publisher {
 public:
  // Starts it. Backend and credit must outlive it.
  Publisher(Backend& backend, Credit& credit, std::vector<int64_t> sessions,
            const Options& options);
  ~Publisher() { Stop(); }

  // Ends it: nothing is sent after this returns. Stops the credit.
  void Stop();

  uint64_t sent_count() const { return sent_count_.load(std::memory_order_relaxed); }

 private:
  void Run();
  // Waits until the batch is due, and returns when that was.
  int64_t AwaitDue(uint64_t batch_number, int64_t start_nanos) const;

  Backend& backend_;
  Credit& credit_;
  const std::vector<int64_t> sessions_;
  const size_t payload_bytes_;
  const size_t batch_;
  const size_t rate_;
  std::atomic<uint64_t> sent_count_ = 0;
  std::thread thread_;
};

}  // namespace longwire::bench
