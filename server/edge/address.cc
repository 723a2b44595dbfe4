#include "server/edge/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace longwire {
namespace {

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

RemoteAddress::RemoteAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(bytes_.data(), &v4.sin_addr, 4);
    port_ = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    port_ = ntohs(v6.sin6_port);
    is_v6_ = !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    if (is_v6_) {
      std::memcpy(bytes_.data(), &v6.sin6_addr, 16);
    } else {
      std::memcpy(bytes_.data(), v6.sin6_addr.s6_addr + 12, 4);
    }
  }
}

std::string RemoteAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof(text));
  return is_v6_ ? fmt::format("[{}]:{}", text, port_) : fmt::format("{}:{}", text, port_);
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
