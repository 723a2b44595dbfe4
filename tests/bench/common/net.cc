#include "tests/bench/common/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace longwire::bench {
namespace {

constexpr int kBacklog = 4096;

sockaddr_in SocketAddress(const HostPort& address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &out.sin_addr) != 1) {
    Die("not an IPv4 address: " + address.host);
  }
  return out;
}

void BindToLoopback(int fd, size_t source) {
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<uint32_t>(source));
  // The port is chosen by connect(), which knows the peer and can use a port again for another.
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  if (bind(fd, reinterpret_cast<sockaddr*>(&local), sizeof(local)) != 0) {
    Die("cannot bind to a loopback address", true);
  }
}

}  // namespace

void UniqueFd::Reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void Die(std::string_view text, bool with_errno) {
  const int error = errno;
  std::fflush(stdout);
  std::fprintf(stderr, "longwire-bench: %.*s%s%s\n", static_cast<int>(text.size()), text.data(),
               with_errno ? ": " : "", with_errno ? std::strerror(error) : "");
  std::fflush(stderr);
  // Not exit(): threads of gRPC may still run, and static destructors would race with them.
  std::_Exit(1);
}

HostPort ParseHostPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  HostPort out;
  if (colon == std::string::npos) Die("not ADDRESS:PORT: " + text);
  out.host = text.substr(0, colon);
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc() || last != end) Die("not ADDRESS:PORT: " + text);
  return out;
}

UniqueFd Listen(const std::string& address, std::string_view name) {
  sockaddr_in bound = SocketAddress(ParseHostPort(address));
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.get() < 0 || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd.get(), reinterpret_cast<sockaddr*>(&bound), sizeof(bound)) != 0 ||
      listen(fd.get(), kBacklog) != 0) {
    Die("cannot listen on " + address, true);
  }
  socklen_t size = sizeof(bound);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  std::printf("%.*s listening on %s:%u\n", static_cast<int>(name.size()), name.data(),
              ParseHostPort(address).host.c_str(), ntohs(bound.sin_port));
  std::fflush(stdout);
  return fd;
}

UniqueFd ConnectBlocking(const HostPort& address) {
  const sockaddr_in peer = SocketAddress(address);
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) {
    Die("cannot connect to " + address.host, true);
  }
  SetNoDelay(fd.get());
  return fd;
}

UniqueFd ConnectStart(const HostPort& address, size_t source) {
  const sockaddr_in peer = SocketAddress(address);
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) Die("cannot make a socket", true);
  SetNoDelay(fd.get());
  if (address.host.starts_with("127.")) BindToLoopback(fd.get(), source);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0 &&
      errno != EINPROGRESS) {
    Die("cannot connect to " + address.host, true);
  }
  return fd;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void SetNoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void CloseWithReset(UniqueFd fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) Die("cannot read the limit of open files", true);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) Die("cannot raise the limit of open files", true);
  return limit.rlim_cur;
}

int64_t MonotonicNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace longwire::bench
