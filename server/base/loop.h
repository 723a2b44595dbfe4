#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/base/timer_wheel.h"

namespace longwire {

// One event loop: a thread's epoll set, timer wheel and inbox. Everything that belongs to a loop is
// touched by its thread alone; other threads reach it through Post.
//
// A turn goes: ready descriptors, posted tasks, due timers, then the turn hooks in the order of
// their registration (events to the log, outboxes to the sockets), then what was retired is freed.
//
// It is level-triggered epoll rather than an Asio socket each: an idle session holds no descriptor
// state and no pending operation, and a message costs one recv and one send. ARCHITECTURE.md has
// the figures.
class Loop {
 public:
  // What the loop calls back. The timer is the base class, so a handler has exactly one deadline.
  class Handler : public TimerWheel::Entry {
   public:
    virtual ~Handler() = default;
    // `events` are epoll's. May be called once more in a turn in which the handler stopped
    // watching.
    virtual void OnReady(uint32_t events) = 0;
    virtual void OnTimer() {}
  };

  using Task = absl::AnyInvocable<void()>;

  // Dies when the kernel gives no epoll or event descriptor: nothing can run without them.
  Loop(uint32_t index, const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs turns on the calling thread until Stop. Tasks that are posted before Run wait for it.
  void Run();
  // Any thread. Run returns at the end of the turn that sees it.
  void Stop();

  // Any thread: `task` runs on the loop's thread, after those posted before it. Never refused: for
  // what must happen (a grant, an eviction, an answer) and is bounded by the sessions there are.
  void Post(Task task);
  // The same for a caller who can be told to come back: false, and nothing is posted, when tasks
  // that stand for kInboxBytesMax are waiting. `bytes` is what the task holds.
  [[nodiscard]] bool TryPost(size_t bytes, Task task);
  // Any thread: whoever can wait should let this loop come up before posting more.
  bool is_inbox_half_full() const {
    return inbox_bytes_.load(std::memory_order_relaxed) > kInboxBytesMax / 2;
  }

  // The rest is for the loop's own thread (or before Run).

  // Level-triggered. Returns false when the kernel refuses (out of memory or watches).
  [[nodiscard]] bool Watch(int fd, Handler& handler, uint32_t events);
  void Rewatch(int fd, Handler& handler, uint32_t events);
  void Unwatch(int fd);

  void Schedule(Handler& handler, int64_t due_millis) { wheel_.Schedule(handler, due_millis); }

  // Frees the handler when the turn ends: events of this turn may still name it.
  void Retire(std::unique_ptr<Handler> handler);

  void AddTurnHook(Task hook) { turn_hooks_.push_back(std::move(hook)); }

  // The time at which this turn's events were taken: one clock reading a turn serves all.
  int64_t now_millis() const { return now_millis_; }
  int64_t wall_millis() const { return wall_millis_; }
  uint32_t index() const { return index_; }

 private:
  struct Posted {
    size_t bytes;
    Task task;
  };

  void WakeIfAsleep();
  void ReadClock();
  int SleepMillis();
  void RunPosted();

  // Constant after construction.
  const uint32_t index_;
  const Clock& clock_;
  const int epoll_fd_;
  const int wake_fd_;

  std::atomic<bool> stopping_{false};
  // Set by the loop just before it sleeps; whoever takes it back writes to wake_fd_.
  std::atomic<bool> asleep_{false};

  absl::Mutex inbox_mutex_;
  std::vector<Posted> inbox_ ABSL_GUARDED_BY(inbox_mutex_);
  std::atomic<size_t> inbox_bytes_{0};  // Changed only with the lock, read by anybody.

  // Only on the loop's thread.
  TimerWheel wheel_;
  std::vector<Posted> running_;
  std::vector<Task> turn_hooks_;
  std::vector<std::unique_ptr<Handler>> retired_;
  int64_t now_millis_ = 0;
  int64_t wall_millis_ = 0;
};

}  // namespace longwire
