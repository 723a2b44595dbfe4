#include "server/edge/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace longwire {
namespace {

// The address `text` in network order, if it is one of that family and nothing more.
bool ReadNumericHost(int family, std::string_view text, void* bytes) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(terminated) || text.find('\0') != std::string_view::npos) return false;
  terminated[text.copy(terminated, text.size())] = '\0';
  return inet_pton(family, terminated, bytes) == 1;
}

absl::Status BadRange(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("\"{}\" is no range of addresses: {}", text, why));
}

absl::Status BadAddress(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is no address to listen on (host:port): {}", text, why));
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

}  // namespace

RemoteAddress::RemoteAddress(std::span<const uint8_t, 4> v4, uint16_t port) : port_(port) {
  std::copy(v4.begin(), v4.end(), bytes_.begin());
}

RemoteAddress::RemoteAddress(std::span<const uint8_t, 16> v6, uint16_t port) : port_(port) {
  in6_addr address;
  std::copy(v6.begin(), v6.end(), address.s6_addr);
  is_v6_ = !IN6_IS_ADDR_V4MAPPED(&address);
  std::copy(is_v6_ ? v6.begin() : v6.begin() + 12, v6.end(), bytes_.begin());
}

RemoteAddress::RemoteAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    *this = RemoteAddress(bytes, ntohs(v4.sin_port));
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    *this = RemoteAddress(v6.sin6_addr.s6_addr, ntohs(v6.sin6_port));
  }
}

std::optional<RemoteAddress> RemoteAddress::Parse(std::string_view text) {
  std::array<uint8_t, 16> v6;
  if (ReadNumericHost(AF_INET6, text, v6.data())) return RemoteAddress(v6, 0);
  const bool is_bracketed = text.starts_with('[');
  const size_t host_end = text.find(is_bracketed ? ']' : ':');
  const std::string_view host = text.substr(0, host_end).substr(is_bracketed ? 1 : 0);
  if (is_bracketed && host_end == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(std::min(text.size(), host_end));
  if (is_bracketed) rest.remove_prefix(1);
  uint16_t port = 0;
  if (!rest.empty()) {
    const auto read = rest.starts_with(':') ? ParsePort(rest.substr(1)) : std::nullopt;
    if (!read) return std::nullopt;
    port = *read;
  }
  std::array<uint8_t, 4> v4;
  if (is_bracketed && ReadNumericHost(AF_INET6, host, v6.data())) return RemoteAddress(v6, port);
  if (!is_bracketed && ReadNumericHost(AF_INET, host, v4.data())) return RemoteAddress(v4, port);
  return std::nullopt;
}

std::string RemoteAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof(text));
  if (port_ == 0) return text;
  return is_v6_ ? fmt::format("[{}]:{}", text, port_) : fmt::format("{}:{}", text, port_);
}

RemoteAddress RemoteAddress::Network(size_t prefix_bits) const {
  RemoteAddress network = *this;
  network.port_ = 0;
  for (size_t i = 0; i < network.bytes_.size(); ++i) {
    const size_t kept_bits = std::min<size_t>(8, prefix_bits - std::min(prefix_bits, 8 * i));
    network.bytes_[i] &= static_cast<uint8_t>(0xFF00 >> kept_bits);
  }
  return network;
}

std::array<uint8_t, 16> RemoteAddress::CountingKey() const {
  if (is_v6_) return Network(64).bytes_;
  // What follows the first eight bytes of an IPv6 address's key is 0.
  std::array<uint8_t, 16> key{};
  key[10] = key[11] = 0xFF;
  std::copy_n(bytes_.begin(), 4, key.begin() + 12);
  return key;
}

absl::StatusOr<AddressRange> AddressRange::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const bool is_v6 = host.find(':') != std::string_view::npos;
  std::array<uint8_t, 16> v6;
  std::array<uint8_t, 4> v4;
  if (!ReadNumericHost(is_v6 ? AF_INET6 : AF_INET, host,
                       is_v6 ? static_cast<void*>(v6.data()) : v4.data())) {
    return BadRange(text, "it has to be like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
  }
  const RemoteAddress address = is_v6 ? RemoteAddress(v6, 0) : RemoteAddress(v4, 0);
  const size_t written_bits_max = is_v6 ? 128 : 32;
  size_t bits = written_bits_max;
  if (slash != std::string_view::npos) {
    // Ports and prefixes are written by the same rule.
    const auto read = ParsePort(text.substr(slash + 1));
    if (!read || *read > written_bits_max) {
      return BadRange(text, fmt::format("the prefix is no number from 0 to {}", written_bits_max));
    }
    bits = *read;
  }
  if (is_v6 && !address.is_v6()) {
    if (bits < 96) return BadRange(text, "IPv4 addresses are written as 10.0.0.0/8");
    bits -= 96;
  }
  if (address.Network(bits) != address) {
    return BadRange(text, fmt::format("bits are set behind its prefix, the network is {}/{}",
                                      address.Network(bits).ToString(), bits));
  }
  return AddressRange(address, bits);
}

bool AddressRange::Contains(const RemoteAddress& address) const {
  return address.is_v6() == network_.is_v6() && address.Network(prefix_bits_) == network_;
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  if (text.size() > 1 && text.starts_with('0')) return std::nullopt;
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return port;
}

uint16_t ListenAddress::port() const {
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

std::string ListenAddress::numeric() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof(text));
    return fmt::format("{}:{}", text, port());
  }
  inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
            sizeof(text));
  return fmt::format("[{}]:{}", text, port());
}

std::string ListenAddress::EndpointAt(uint16_t port) const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text, "there is no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) {
    return BadAddress(text, "the port is no number from 0 to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  ListenAddress listen{.host = std::string(host.empty() ? "0.0.0.0" : host)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(listen.host.c_str(), "0", &hints, &found);
  if (failure != 0) return BadAddress(text, gai_strerror(failure));
  std::memcpy(&listen.address, found->ai_addr, found->ai_addrlen);
  listen.bytes = found->ai_addrlen;
  freeaddrinfo(found);
  if (listen.address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(listen.address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(listen.address).sin6_port = htons(port);
  }
  listen.is_loopback = IsLoopback(listen.address);
  return listen;
}

uint16_t BoundPort(int fd) {
  ListenAddress bound;
  bound.bytes = sizeof(bound.address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound.address), &bound.bytes) != 0) return 0;
  return bound.port();
}

}  // namespace longwire
