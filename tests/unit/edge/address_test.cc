#include "server/edge/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <string>

namespace longwire {
namespace {

sockaddr_storage V4(const char* host, uint16_t port) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in&>(storage);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET, host, &address.sin_addr), 1);
  return storage;
}

sockaddr_storage V6(const char* host, uint16_t port) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, host, &address.sin6_addr), 1);
  return storage;
}

TEST(RemoteAddress, IsShownWithItsPort) {
  EXPECT_EQ(RemoteAddress(V4("192.0.2.1", 4242)).ToString(), "192.0.2.1:4242");
  EXPECT_EQ(RemoteAddress(V4("255.255.255.255", 65535)).ToString(), "255.255.255.255:65535");
  EXPECT_EQ(RemoteAddress(V6("2001:db8::1", 4242)).ToString(), "[2001:db8::1]:4242");
  EXPECT_EQ(RemoteAddress(V6("::1", 1)).ToString(), "[::1]:1");
}

TEST(RemoteAddress, AnIpv4AddressInIpv6ClothesIsAnIpv4Address) {
  EXPECT_EQ(RemoteAddress(V6("::ffff:192.0.2.1", 4242)).ToString(), "192.0.2.1:4242");
}

TEST(RemoteAddress, WithoutAnAddressIsAllZeros) {
  EXPECT_EQ(RemoteAddress().ToString(), "0.0.0.0:0");
  EXPECT_EQ(RemoteAddress(sockaddr_storage{}).ToString(), "0.0.0.0:0");
}

TEST(ParseListenAddress, TakesHostAndPort) {
  struct Row {
    const char *text, *host;
    int family;
    uint16_t port;
    bool is_loopback;
  };
  const Row rows[] = {
      {"127.0.0.1:8080", "127.0.0.1", AF_INET, 8080, true},
      {"127.255.0.9:1", "127.255.0.9", AF_INET, 1, true},
      {"0.0.0.0:65535", "0.0.0.0", AF_INET, 65535, false},
      {"192.0.2.1:0", "192.0.2.1", AF_INET, 0, false},
      {"[::1]:8080", "::1", AF_INET6, 8080, true},
      {"[::]:8080", "::", AF_INET6, 8080, false},
      {"[2001:db8::1]:8080", "2001:db8::1", AF_INET6, 8080, false},
  };
  for (const Row& row : rows) {
    const auto parsed = ParseListenAddress(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text << ": " << parsed.status();
    EXPECT_EQ(parsed->host, row.host);
    EXPECT_EQ(parsed->address.ss_family, row.family) << row.text;
    EXPECT_EQ(parsed->is_loopback, row.is_loopback) << row.text;
    EXPECT_EQ(parsed->port(), row.port) << row.text;
    EXPECT_EQ(parsed->bytes, row.family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  }
}

TEST(ParseListenAddress, AnEmptyHostIsEveryIpv4AddressAndNoLoopback) {
  const auto parsed = ParseListenAddress(":8080");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->numeric(), "0.0.0.0:8080");
  EXPECT_EQ(parsed->EndpointAt(8080), "0.0.0.0:8080");
  EXPECT_FALSE(parsed->is_loopback);
}

TEST(ParseListenAddress, ANameIsResolvedAndShownAsItWasWritten) {
  const auto parsed = ParseListenAddress("localhost:0");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->is_loopback);
  EXPECT_EQ(parsed->EndpointAt(4242), "localhost:4242");
  EXPECT_TRUE(parsed->numeric() == "127.0.0.1:0" || parsed->numeric() == "[::1]:0");
}

TEST(ParseListenAddress, AnIpv6AddressIsShownInBrackets) {
  const auto parsed = ParseListenAddress("[2001:DB8::1]:0");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->numeric(), "[2001:db8::1]:0");
  EXPECT_EQ(parsed->EndpointAt(4242), "[2001:DB8::1]:4242");
}

TEST(ParseListenAddress, SaysWhatIsWrongAndRepeatsTheText) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "no port"},
      {"localhost", "no port"},
      {"127.0.0.1:", "the port is no number"},
      {"127.0.0.1:http", "the port is no number"},
      {"127.0.0.1:65536", "the port is no number"},
      {"127.0.0.1:-1", "the port is no number"},
      {"127.0.0.1:+1", "the port is no number"},
      {"127.0.0.1: 1", "the port is no number"},
      {"127.0.0.1:80x", "the port is no number"},
      {"[::1]", "the port is no number"},
      {"[::g]:80", ""},
  };
  for (const auto& [text, why] : rows) {
    const auto parsed = ParseListenAddress(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(parsed.status().message());
    EXPECT_NE(message.find(why), std::string::npos) << message;
    EXPECT_NE(message.find(text), std::string::npos) << message;
  }
}

TEST(BoundPort, IsThePortThatWasTaken) {
  for (const int family : {AF_INET, AF_INET6}) {
    const auto listen = ParseListenAddress(family == AF_INET ? "127.0.0.1:0" : "[::1]:0");
    ASSERT_TRUE(listen.ok());
    const int fd = socket(family, SOCK_STREAM, 0);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&listen->address), listen->bytes) == 0) {
      EXPECT_GT(BoundPort(fd), 0);
    } else {
      EXPECT_EQ(family, AF_INET6) << "only a machine without IPv6 may fail here";
    }
    close(fd);
  }
  EXPECT_EQ(BoundPort(-1), 0);
}

}  // namespace
}  // namespace longwire
