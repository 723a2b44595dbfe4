#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace longwire {

// Who is at the other end, small enough to be kept for each session. An IPv4 address that comes in
// IPv6 clothes, ::ffff:a.b.c.d, is taken as the IPv4 address.
class RemoteAddress {
 public:
  RemoteAddress() = default;
  explicit RemoteAddress(const sockaddr_storage& address);
  // From an address in network order, as protocols carry it.
  RemoteAddress(std::span<const uint8_t, 4> v4, uint16_t port);
  RemoteAddress(std::span<const uint8_t, 16> v6, uint16_t port);

  // "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80"; without a
  // port it is 0. Nothing for any other text: names, scope IDs, blanks and numbers with leading
  // zeros are none.
  static std::optional<RemoteAddress> Parse(std::string_view text);

  bool is_v6() const { return is_v6_; }
  uint16_t port() const { return port_; }

  // "192.0.2.1:4242" or "[2001:db8::1]:4242"; if the port is 0, "192.0.2.1" or "2001:db8::1".
  std::string ToString() const;

  // The network of that many bits that the address lies in: the other bits and the port are 0.
  RemoteAddress Network(size_t prefix_bits) const;

  // What tells one client from another when sessions are counted: the whole of an IPv4 address, but
  // of an IPv6 address its /64, since one customer commonly has all of that. No IPv4 address has
  // the key of an IPv6 address.
  std::array<uint8_t, 16> CountingKey() const;

  bool operator==(const RemoteAddress&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};  // Of an IPv4 address the first four; the others are 0.
  uint16_t port_ = 0;
  bool is_v6_ = false;
};
static_assert(sizeof(RemoteAddress) == 20, "each session has one");

// The addresses that share their first bits. Ports do not matter, and a range of IPv4 holds no IPv6
// address.
class AddressRange {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or a single address. INVALID_ARGUMENT says what is wrong with
  // the text; bits that are set behind the prefix are wrong, since who wrote them meant something
  // else than what they would do.
  static absl::StatusOr<AddressRange> Parse(std::string_view text);

  bool Contains(const RemoteAddress& address) const;

 private:
  AddressRange(const RemoteAddress& network, size_t prefix_bits)
      : network_(network), prefix_bits_(static_cast<uint8_t>(prefix_bits)) {}

  RemoteAddress network_;
  uint8_t prefix_bits_;
};

// A decimal number from 0 to 65535 without a sign, blanks or leading zeros, or nothing.
std::optional<uint16_t> ParsePort(std::string_view text);

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
