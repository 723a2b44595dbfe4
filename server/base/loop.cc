#include "server/base/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"

namespace longwire {

Loop::Loop(uint32_t index, const Clock& clock)
    : index_(index),
      clock_(clock),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      wheel_(clock.SteadyMillis()) {
  LONGWIRE_CHECK(epoll_fd_ >= 0, "epoll_create1: {}", std::strerror(errno));
  LONGWIRE_CHECK(wake_fd_ >= 0, "eventfd: {}", std::strerror(errno));
  // Edge-triggered: each write wakes the loop once, and nobody has to read the count back.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  LONGWIRE_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0, "epoll_ctl: {}",
                 std::strerror(errno));
  ReadClock();
}

Loop::~Loop() {
  close(wake_fd_);
  close(epoll_fd_);
}

void Loop::Run() {
  std::array<epoll_event, kReadyEventsPerTurnMax> ready;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int count =
        epoll_wait(epoll_fd_, ready.data(), static_cast<int>(ready.size()), SleepMillis());
    asleep_.store(false, std::memory_order_relaxed);
    LONGWIRE_CHECK(count >= 0 || errno == EINTR, "epoll_wait: {}", std::strerror(errno));
    ReadClock();
    for (int i = 0; i < count; ++i) {
      auto* const handler = static_cast<Handler*>(ready[i].data.ptr);
      if (handler != nullptr) handler->OnReady(ready[i].events);  // Null: only a wake-up.
    }
    RunPosted();
    wheel_.Advance(now_millis_,
                   [](TimerWheel::Entry& entry) { static_cast<Handler&>(entry).OnTimer(); });
    for (Task& hook : turn_hooks_) hook();
    retired_.clear();
  }
}

void Loop::Stop() {
  stopping_.store(true, std::memory_order_relaxed);
  Post([] {});
}

void Loop::Post(Task task) {
  {
    absl::MutexLock lock(&inbox_mutex_);
    inbox_.push_back({0, std::move(task)});
  }
  WakeIfAsleep();
}

bool Loop::TryPost(size_t bytes, Task task) {
  {
    absl::MutexLock lock(&inbox_mutex_);
    // A task larger than the bound may still go into an empty inbox: it can never do better.
    const size_t before = inbox_bytes_.load(std::memory_order_relaxed);
    if (before > 0 && before + bytes > kInboxBytesMax) return false;
    inbox_bytes_.store(before + bytes, std::memory_order_relaxed);
    inbox_.push_back({bytes, std::move(task)});
  }
  WakeIfAsleep();
  return true;
}

void Loop::WakeIfAsleep() {
  if (!asleep_.exchange(false)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = write(wake_fd_, &one, sizeof(one));
}

int Loop::SleepMillis() {
  const int to_next = wheel_.MillisToNext(clock_.SteadyMillis());
  asleep_.store(true);
  // Looked at after the flag is up: a task posted before the flag is seen here, one posted after it
  // writes to wake_fd_.
  absl::MutexLock lock(&inbox_mutex_);
  if (!inbox_.empty()) return 0;
  return to_next;
}

void Loop::RunPosted() {
  {
    absl::MutexLock lock(&inbox_mutex_);
    running_.swap(inbox_);
    inbox_bytes_.store(0, std::memory_order_relaxed);
  }
  for (Posted& posted : running_) posted.task();
  running_.clear();
}

void Loop::ReadClock() {
  now_millis_ = clock_.SteadyMillis();
  wall_millis_ = clock_.WallMillis();
}

bool Loop::Watch(int fd, Handler& handler, uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::Rewatch(int fd, Handler& handler, uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  LONGWIRE_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0, "epoll_ctl: {}",
                 std::strerror(errno));
}

void Loop::Unwatch(int fd) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::Retire(std::unique_ptr<Handler> handler) {
  retired_.push_back(std::move(handler));
}

}  // namespace longwire
