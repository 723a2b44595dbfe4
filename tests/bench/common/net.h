#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// The few socket calls that the load generator and the baseline server share. Nothing of the
// gateway is used here, so that a fault of its code cannot hide in its own measurement.
namespace longwire::bench {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset();

 private:
  int fd_ = -1;
};

// Prints the text, with errno's meaning where `with_errno`, and ends the process with code 1: a
// measurement that could not be taken as asked is no measurement.
[[noreturn]] void Die(std::string_view text, bool with_errno = false);

struct HostPort {
  std::string host;  // An IPv4 address in dots.
  uint16_t port = 0;
};

// Dies unless `text` is ADDRESS:PORT.
HostPort ParseHostPort(const std::string& text);

// A listening socket, not blocking; its port is printed as `NAME listening on ADDRESS:PORT`.
UniqueFd Listen(const std::string& address, std::string_view name);

// A connected socket, blocking and without Nagle's delay.
UniqueFd ConnectBlocking(const HostPort& address);

// Begins to connect without blocking, from loopback address number `source` where the peer is on
// loopback, too: the ports of one address run out at 28,000 connections, and long before that the
// kernel's search for a free one is what is measured. Dies only on an error that is known at once.
UniqueFd ConnectStart(const HostPort& address, size_t source);

// Sends all of `bytes` over a blocking socket. False, with errno, when the connection is broken.
[[nodiscard]] bool SendAll(int fd, std::string_view bytes);

void SetNoDelay(int fd);

// Closes with a reset. A run of 19,000 sessions would otherwise leave as many ports in TIME_WAIT
// and the next one without ports.
void CloseWithReset(UniqueFd fd);

// Raises the soft limit of open files to the hard limit and returns it.
size_t RaiseFileLimit();

// CLOCK_MONOTONIC, the same in every process of this machine.
int64_t MonotonicNanos();

}  // namespace longwire::bench
