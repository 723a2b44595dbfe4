#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace longwire {

// Who is at the other end, small enough to be kept for each session.
class RemoteAddress {
 public:
  RemoteAddress() = default;
  // An IPv4 address that an IPv6 socket shows as ::ffff:a.b.c.d is taken as the IPv4 address.
  explicit RemoteAddress(const sockaddr_storage& address);

  // "192.0.2.1:4242" or "[2001:db8::1]:4242".
  std::string ToString() const;

 private:
  std::array<uint8_t, 16> bytes_{};
  uint16_t port_ = 0;
  bool is_v6_ = false;
};

// A place to listen at, resolved.
struct ListenAddress {
  sockaddr_storage address{};
  socklen_t bytes = 0;
  std::string host;  // As it was written, without brackets.
  bool is_loopback = false;

  uint16_t port() const;
  // The address in numbers, with its port: "127.0.0.1:8080", "[::1]:8080".
  std::string numeric() const;
  // The host as it was written, with the port that was really taken.
  std::string EndpointAt(uint16_t port) const;
};

// "host:port" or "[v6]:port"; a name is resolved and its first address taken; an empty host means
// every IPv4 address of the machine ("[::]" every address). INVALID_ARGUMENT says what is wrong
// with the text.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

// The port a bound socket really has.
uint16_t BoundPort(int fd);

}  // namespace longwire
