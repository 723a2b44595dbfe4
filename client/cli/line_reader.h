// Standard input, line by line, beside an event loop.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

namespace longwire::client::cli {

inline constexpr size_t kLineBytesMax = size_t{16} << 20;
// Lines read ahead of the socket: past it, stdin waits.
inline constexpr std::ptrdiff_t kLinesAheadMax = 64;

// Reads stdin line by line on a thread of its own, since Asio cannot watch a regular file.
class LineReader {
 public:
  // Both are called on the reader's thread; `on_line` blocks it while too much is ahead.
  LineReader(std::function<void(std::string)> on_line, std::function<void()> on_end)
      : on_line_(std::move(on_line)), on_end_(std::move(on_end)), thread_([this] { Run(); }) {}
  ~LineReader() {
    eventfd_write(stop_fd_, 1);
    stopping_ = true;
    ahead_.release();
    thread_.join();
    close(stop_fd_);
  }

  // A line handed out has been written to the socket. From any thread.
  void Written() { ahead_.release(); }

 private:
  void Run() {
    std::string pending;
    char chunk[16384];
    while (true) {
      pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      const ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
      if (got <= 0) break;
      pending.append(chunk, got);
      size_t begin = 0;
      for (size_t end; (end = pending.find('\n', begin)) != pending.npos; begin = end + 1) {
        if (!HandOut(pending.substr(begin, end - begin))) return;
      }
      pending.erase(0, begin);
      if (pending.size() > kLineBytesMax) break;
    }
    if (!pending.empty() && !HandOut(std::move(pending))) return;
    on_end_();
  }

  bool HandOut(std::string line) {
    ahead_.acquire();
    if (stopping_) return false;
    if (line.ends_with('\r')) line.pop_back();
    on_line_(std::move(line));
    return true;
  }

  // Constant after construction.
  const std::function<void(std::string)> on_line_;
  const std::function<void()> on_end_;
  const int stop_fd_ = eventfd(0, EFD_CLOEXEC);

  std::atomic<bool> stopping_{false};
  std::counting_semaphore<> ahead_{kLinesAheadMax};
  std::thread thread_;
};

}  // namespace longwire::client::cli
