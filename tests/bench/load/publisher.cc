#include "tests/bench/load/publisher.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <random>

#include "tests/bench/load/payload.h"

namespace longwire::bench {
namespace {

// In the order of arrival neighbours in a batch would be neighbours in the server's memory, which
// no real traffic is. Always the same order, so that runs compare.
std::vector<int64_t> Shuffled(std::vector<int64_t> sessions) {
  std::mt19937 random(1);
  std::shuffle(sessions.begin(), sessions.end(), random);
  return sessions;
}

}  // namespace

Publisher::Publisher(Backend& backend, Credit& credit, std::vector<int64_t> sessions,
                     const Options& options)
    : backend_(backend),
      credit_(credit),
      sessions_(Shuffled(std::move(sessions))),
      payload_bytes_(options.payload_bytes),
      batch_(options.batch),
      rate_(options.rate),
      thread_([this] { Run(); }) {}

void Publisher::Stop() {
  credit_.Stop();
  if (thread_.joinable()) thread_.join();
}

void Publisher::Run() {
  // By default the kernel may wake a sleeper 50 us late, which would be most of the latency.
  prctl(PR_SET_TIMERSLACK, 1);
  std::vector<std::string> payloads(batch_, std::string(payload_bytes_, '.'));
  std::vector<Push> batch(batch_);
  const int64_t start_nanos = MonotonicNanos();
  size_t next = 0;
  uint32_t round = 1;
  for (uint64_t number = 0; credit_.Take(batch_); ++number) {
    const int64_t due_nanos = AwaitDue(number, start_nanos);
    for (size_t i = 0; i < batch_; ++i) {
      WriteStamp({.due_nanos = due_nanos, .number = round}, payloads[i].data(), payload_bytes_);
      batch[i] = {.session_id = sessions_[next], .payload = payloads[i]};
      if (++next == sessions_.size()) {
        next = 0;
        ++round;
      }
    }
    sent_count_.fetch_add(batch_, std::memory_order_relaxed);
    backend_.Send(batch);
  }
}

int64_t Publisher::AwaitDue(uint64_t batch_number, int64_t start_nanos) const {
  if (rate_ == 0) return MonotonicNanos();
  const double nanos_each = 1e9 * static_cast<double>(batch_) / static_cast<double>(rate_);
  const int64_t due =
      start_nanos + static_cast<int64_t>(static_cast<double>(batch_number) * nanos_each);
  const timespec until{.tv_sec = due / 1'000'000'000, .tv_nsec = due % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
  return due;
}

}  // namespace longwire::bench
