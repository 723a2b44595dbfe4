#include "tests/support/tcp_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace longwire::test {
namespace {

std::string AddressText(const sockaddr_in& address) {
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(address.sin_port));
}

std::string LocalAddress(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return AddressText(address);
}

bool WaitFor(int fd, short events, int millis) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  return poll(&waiting, 1, millis) > 0;
}

}  // namespace

TcpSocket::TcpSocket(TcpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

TcpSocket& TcpSocket::operator=(TcpSocket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

std::string TcpSocket::Connect(const std::string& address, int receive_buffer_bytes) {
  Close();
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "not host:port: " + address;
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr) != 1) {
    return "not an IPv4 address: " + address;
  }
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return std::string("socket: ") + std::strerror(errno);
  // Before connect: the window is agreed on with the SYN.
  if (receive_buffer_bytes > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0) {
    const std::string problem = "connect to " + address + ": " + std::strerror(errno);
    Close();
    return problem;
  }
  return {};
}

bool TcpSocket::Send(std::string_view bytes) {
  const Deadline deadline(kPatience);
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      if (deadline.Passed()) return false;
      WaitFor(fd_, POLLOUT, deadline.RemainingMillis());
    } else {
      return false;
    }
  }
  return true;
}

bool TcpSocket::SendByteByByte(std::string_view bytes) {
  for (const char& byte : bytes) {
    if (!Send({&byte, 1})) return false;
  }
  return true;
}

ReadResult TcpSocket::Read(std::string& into, Millis patience) {
  const Deadline deadline(patience);
  char buffer[64 * 1024];
  while (true) {
    const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) {
      into.append(buffer, static_cast<size_t>(got));
      return ReadResult::kData;
    }
    if (got == 0) return ReadResult::kEof;
    if (errno != EAGAIN && errno != EINTR) return ReadResult::kReset;
    if (!WaitFor(fd_, POLLIN, deadline.RemainingMillis()) && deadline.Passed()) {
      return ReadResult::kTimeout;
    }
  }
}

void TcpSocket::ShutdownWrite() {
  shutdown(fd_, SHUT_WR);
}

void TcpSocket::Abort() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close();
}

void TcpSocket::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

std::string TcpSocket::local_address() const {
  return LocalAddress(fd_);
}

TakenPort::TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 || listen(fd_, 1) != 0) {
    ADD_FAILURE() << "cannot take a port: " << std::strerror(errno);
  }
  address_ = LocalAddress(fd_);
}

TakenPort::~TakenPort() {
  close(fd_);
}

}  // namespace longwire::test
