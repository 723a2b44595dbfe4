// Waiting for Ctrl-C, a signal, or our own word, whichever comes first.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace longwire::client::cli {

// While one lives, SIGINT and SIGTERM end Wait() instead of the process. Construct it before any
// thread is started, so that all of them inherit the blocked signals.
class StopWaiter {
 public:
  StopWaiter() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
    notify_fd_ = eventfd(0, EFD_CLOEXEC);
  }
  ~StopWaiter() {
    close(signal_fd_);
    close(notify_fd_);
  }
  StopWaiter(const StopWaiter&) = delete;
  StopWaiter& operator=(const StopWaiter&) = delete;

  // Ends Wait(), now or when it comes. From any thread.
  void Notify() { eventfd_write(notify_fd_, 1); }

  // Returns on a signal or Notify(), or when the time is over (unset: never).
  void Wait(std::optional<std::chrono::milliseconds> at_most) {
    using std::chrono::steady_clock;
    const auto until = steady_clock::now() + at_most.value_or(std::chrono::milliseconds(0));
    while (true) {
      int millis = -1;
      if (at_most) {
        // In steps of an hour at most: poll counts in an int.
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
        millis = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
        if (millis == 0) return;
      }
      pollfd fds[] = {{signal_fd_, POLLIN, 0}, {notify_fd_, POLLIN, 0}};
      if (poll(fds, 2, millis) > 0) return;
    }
  }

 private:
  int signal_fd_;
  int notify_fd_;
};

}  // namespace longwire::client::cli
