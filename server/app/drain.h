#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "server/base/clock.h"
#include "server/core/session_id.h"
#include "server/hub/hub.h"

namespace longwire {

// How many of `sessions` should have been closed `elapsed_millis` into a drain: spread evenly over
// the period, but at least kDrainSessionsPerSecondMin.
size_t DrainTarget(size_t sessions, int64_t elapsed_millis, int64_t period_millis);

// Ends all sessions of a hub at that pace. Used once, by one thread; Hurry by any.
class Drainer {
 public:
  Drainer(Hub& hub, const Clock& clock, int64_t delay_millis, int64_t period_millis)
      : hub_(hub), clock_(clock), delay_millis_(delay_millis), period_millis_(period_millis) {}

  // Blocks until every session's LEAVE is in the log. REQUIRES: nobody can enter any more, and the
  // loops run.
  void Run();
  // The delay and the pace are given up.
  void Hurry();

 private:
  std::vector<SessionId> ListSessions();
  // Returns early, and true, when hurried.
  bool Wait(int64_t millis);
  void CloseSome(const std::vector<SessionId>& ids, size_t begin, size_t end);

  Hub& hub_;
  const Clock& clock_;
  const int64_t delay_millis_;
  const int64_t period_millis_;

  // The standard library's, since its timed waits go by the monotonic clock.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_hurried_ = false;  // Guarded by mutex_.
};

}  // namespace longwire
