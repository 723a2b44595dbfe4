#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace longwire {

// What the courier looks after: a stream to which something may be sent.
class CourierStream {
 public:
  virtual ~CourierStream() = default;
  // The log has grown, or something else is ready: send on, unless a write is under way.
  virtual void Pump() = 0;
  // About once a second: send a sign of life if it is due.
  virtual void Tick() = 0;
};

// The thread between the event loops and gRPC: a loop never calls into gRPC, which may take a lock
// or write to a socket, it leaves a task or a note here. One wake-up serves all that has come up
// meanwhile, so the busier it is the larger the batches.
class Courier {
 public:
  using Task = absl::AnyInvocable<void()>;

  Courier();
  // Runs the tasks that were posted, then ends the thread.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Any thread. Tasks run in order.
  void Post(Task task);
  // Any thread; cheap. All streams are pumped soon.
  void LogGrew();
  // Any thread. All streams are told that about a second has passed, and pumped.
  void Tick();

  // Any thread. A stream may be pumped once more after it was removed.
  void Add(std::shared_ptr<CourierStream> stream);
  void Remove(const std::shared_ptr<CourierStream>& stream);
  std::vector<std::shared_ptr<CourierStream>> streams();

 private:
  void Run();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return is_ending_ || has_log_grown_ || is_tick_due_ || !tasks_.empty();
  }

  // Up while the thread has been told of growth and has not looked yet.
  std::atomic<bool> growth_told_{false};

  absl::Mutex mutex_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::shared_ptr<CourierStream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool has_log_grown_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_tick_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace longwire
