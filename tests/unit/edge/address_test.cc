#include "server/edge/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
  EXPECT_EQ(RemoteAddress().ToString(), "0.0.0.0");
  EXPECT_EQ(RemoteAddress(sockaddr_storage{}).ToString(), "0.0.0.0");
  EXPECT_EQ(RemoteAddress(sockaddr_storage{}), RemoteAddress());
}

TEST(RemoteAddress, WithoutAPortIsShownWithoutBrackets) {
  EXPECT_EQ(RemoteAddress(V4("192.0.2.1", 0)).ToString(), "192.0.2.1");
  EXPECT_EQ(RemoteAddress(V6("2001:db8::1", 0)).ToString(), "2001:db8::1");
  EXPECT_EQ(RemoteAddress(V6("::ffff:192.0.2.1", 0)).ToString(), "192.0.2.1");
}

TEST(RemoteAddress, IsReadFromText) {
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255:65535", "255.255.255.255:65535"},
      {"192.0.2.1:80", "192.0.2.1:80"},
      {"192.0.2.1:0", "192.0.2.1"},
      {"2001:db8::1", "2001:db8::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::", "::"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:80", "[2001:db8::1]:80"},
      {"[::]:1", "[::]:1"},
      {"2001:db8::80", "2001:db8::80"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:c000:201", "192.0.2.1"},
      {"[::ffff:192.0.2.1]:80", "192.0.2.1:80"},
      {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
  };
  for (const auto& [text, shown] : rows) {
    const auto address = RemoteAddress::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->ToString(), shown) << text;
    EXPECT_EQ(RemoteAddress::Parse(address->ToString()), address) << text;
  }
}

TEST(RemoteAddress, IsNotReadFromAnythingElse) {
  const std::string_view rows[] = {
      "", " ", ":", "[]", "[", "]", "[]:80", ":80",
      // Names and what only some readers take for numbers.
      "localhost", "unknown", "_hidden", "192.0.2", "192.0.2.1.1", "3221225985", "0xC0.0.2.1",
      "192.0.02.1", "192.0.2.256", "192.0.2.-1", "192.0.2.", ".192.0.2.1",
      // Blanks and what is behind a zero byte.
      " 192.0.2.1", "192.0.2.1 ", "192.0.2.1\n", "[2001:db8::1 ]", "[2001:db8::1] :80",
      std::string_view("192.0.2.1\0", 10), std::string_view("192.0.2.1\0.evil", 15),
      std::string_view("[2001:db8::1\0]", 14),
      // Ports.
      "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:080", "192.0.2.1:+80", "192.0.2.1:-1",
      "192.0.2.1: 80", "192.0.2.1:80 ", "192.0.2.1:8x", "192.0.2.1:80:80", "192.0.2.1:_port",
      "[2001:db8::1]:", "[2001:db8::1]:65536", "[2001:db8::1]80", "[2001:db8::1]::80",
      "192.0.2.1:99999999999999999999",
      // Brackets.
      "[192.0.2.1]", "[192.0.2.1]:80", "[2001:db8::1", "2001:db8::1]", "2001:db8::1]:80",
      "[[2001:db8::1]]", "[2001:db8::1]]",
      // IPv6 that is none, and scope IDs.
      ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "2001:db8::g", "2001:db8::12345",
      "fe80::1%eth0", "[fe80::1%1]:80", "::ffff:192.0.2", "::ffff:192.0.2.256",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"};
  for (const std::string_view text : rows) {
    EXPECT_FALSE(RemoteAddress::Parse(text).has_value()) << testing::PrintToString(text);
  }
  EXPECT_FALSE(RemoteAddress::Parse(std::string(100'000, '1')).has_value());
}

TEST(RemoteAddress, IsTheSameWhicheverWayItCame) {
  const std::array<uint8_t, 4> v4 = {192, 0, 2, 1};
  const std::array<uint8_t, 16> v6 = {0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const std::array<uint8_t, 16> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1};
  EXPECT_EQ(RemoteAddress(v4, 80), RemoteAddress(V4("192.0.2.1", 80)));
  EXPECT_EQ(RemoteAddress(v4, 80), RemoteAddress::Parse("192.0.2.1:80"));
  EXPECT_EQ(RemoteAddress(v4, 80), RemoteAddress(mapped, 80));
  EXPECT_EQ(RemoteAddress(v6, 80), RemoteAddress(V6("2001:db8::1", 80)));
  EXPECT_EQ(RemoteAddress(v6, 80), RemoteAddress::Parse("[2001:db8::1]:80"));
  EXPECT_NE(RemoteAddress(v4, 80), RemoteAddress(v4, 81));
  EXPECT_NE(RemoteAddress(v4, 80), RemoteAddress(v6, 80));
  EXPECT_NE(RemoteAddress::Parse("0.0.0.0"), RemoteAddress::Parse("::"));
}

TEST(RemoteAddress, HasTheNetworkOfItsFirstBits) {
  const auto network = [](const char* text, size_t bits) {
    return RemoteAddress::Parse(text)->Network(bits).ToString();
  };
  EXPECT_EQ(network("255.255.255.255:80", 32), "255.255.255.255");
  EXPECT_EQ(network("255.255.255.255", 9), "255.128.0.0");
  EXPECT_EQ(network("255.255.255.255", 0), "0.0.0.0");
  EXPECT_EQ(network("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80", 61), "ffff:ffff:ffff:fff8::");
  EXPECT_EQ(network("ffff::ffff", 128), "ffff::ffff");
  EXPECT_EQ(network("ffff::ffff", 0), "::");
}

TEST(RemoteAddress, IsCountedByAllOfIpv4AndTheFirstHalfOfIpv6) {
  const auto key = [](const char* text) { return RemoteAddress::Parse(text)->CountingKey(); };
  EXPECT_EQ(key("192.0.2.1:80"), key("192.0.2.1:81"));
  EXPECT_EQ(key("192.0.2.1"), key("::ffff:192.0.2.1"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_EQ(key("2001:db8:1:2::1"), key("[2001:db8:1:2:ffff:ffff:ffff:ffff]:80"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("0.0.0.0"), key("::"));
  EXPECT_NE(key("192.0.2.1"), key("c000:201::")) << "the same bytes";
}

AddressRange Range(std::string_view text) {
  auto range = AddressRange::Parse(text);
  EXPECT_TRUE(range.ok()) << range.status();
  return range.ok() ? *range : *AddressRange::Parse("::/128");
}

TEST(AddressRange, ContainsWhatSharesItsFirstBits) {
  struct Row {
    const char *range, *address;
    bool is_in;
  };
  const Row rows[] = {
      {"10.0.0.0/8", "10.0.0.0", true},
      {"10.0.0.0/8", "10.255.255.255:4242", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "9.255.255.255", false},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},
      {"10.0.0.0/8", "a00::", false},
      {"172.16.0.0/12", "172.31.255.255", true},
      {"172.16.0.0/12", "172.32.0.0", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"10.1.2.3", "10.1.2.2", false},
      {"10.1.2.3/32", "10.1.2.3:1", true},
      {"10.1.2.2/31", "10.1.2.3", true},
      {"10.1.2.2/31", "10.1.2.4", false},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::", false},
      {"::/0", "ffff::1", true},
      {"::/0", "10.1.2.3", false},
      {"::1", "::1", true},
      {"::1", "::2", false},
      {"2001:db8::/32", "[2001:db8:ffff::1]:80", true},
      {"2001:db8::/32", "2001:db9::", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"::ffff:10.0.0.0/104", "10.1.2.3", true},
      {"::ffff:10.0.0.0/104", "11.1.2.3", false},
      {"::ffff:0:0/96", "11.1.2.3", true},
      {"::ffff:10.1.2.3", "10.1.2.3", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Range(row.range).Contains(*RemoteAddress::Parse(row.address)), row.is_in)
        << row.range << " " << row.address;
  }
}

TEST(AddressRange, SaysWhatIsWrong) {
  const std::string shape = "it has to be like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1";
  const std::pair<std::string, std::string> rows[] = {
      {"", shape},
      {"/8", shape},
      {"localhost", shape},
      {"10", shape},
      {"10.0.0/8", shape},
      {"10.0.0.0:80", shape},
      {"10.0.0.0:80/8", shape},
      {"[2001:db8::]/32", shape},
      {"[::1]:80", shape},
      {" 10.0.0.0/8", shape},
      {"10.0.0.0 /8", shape},
      {"fe80::1%eth0", shape},
      {"10.0.0.0/", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/33", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/-1", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/08", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/8 ", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/8/8", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/255.0.0.0", "the prefix is no number from 0 to 32"},
      {"10.0.0.0/4294967304", "the prefix is no number from 0 to 32"},
      {"::/129", "the prefix is no number from 0 to 128"},
      {"10.1.2.3/8", "bits are set behind its prefix, the network is 10.0.0.0/8"},
      {"10.1.2.3/31", "bits are set behind its prefix, the network is 10.1.2.2/31"},
      {"10.1.2.3/0", "bits are set behind its prefix, the network is 0.0.0.0/0"},
      {"2001:db8::1/32", "bits are set behind its prefix, the network is 2001:db8::/32"},
      {"::ffff:10.1.2.3/104", "bits are set behind its prefix, the network is 10.0.0.0/8"},
      {"::ffff:0:0/95", "IPv4 addresses are written as 10.0.0.0/8"},
  };
  for (const auto& [text, why] : rows) {
    const auto range = AddressRange::Parse(text);
    ASSERT_FALSE(range.ok()) << text;
    EXPECT_EQ(range.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(range.status().message()),
              "\"" + text + "\" is no range of addresses: " + why);
  }
}

TEST(ParsePort, TakesOnlyThePlainSpelling) {
  EXPECT_EQ(ParsePort("0"), 0);
  EXPECT_EQ(ParsePort("65535"), 65535);
  for (const char* text : {"", "00", "080", "65536", "-1", "+1", " 1", "1 ", "1.", "0x1", "1e3"}) {
    EXPECT_EQ(ParsePort(text), std::nullopt) << text;
  }
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
