#include "server/edge/proxy_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "server/base/limits.h"

namespace longwire {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kProxyCommand = 0x21;
constexpr char kTcpOverIpv4 = 0x11;
constexpr char kTcpOverIpv6 = 0x21;

// A version 2 header of these fields; the length is that of `rest`.
std::string Binary(char command, char family, std::string_view rest) {
  std::string bytes(kSignature);
  bytes += {command, family, static_cast<char>(rest.size() >> 8), static_cast<char>(rest.size())};
  return bytes.append(rest);
}

// 192.0.2.1:4242 to 198.51.100.2:443.
constexpr std::string_view kV4Addresses("\xC0\x00\x02\x01\xC6\x33\x64\x02\x10\x92\x01\xBB", 12);
// [2001:db8::1]:4242 to [2001:db8::2]:443.
constexpr std::string_view kV6Addresses(
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\x10\x92\x01\xBB",
    36);

// "client address", "-" for a header without one, "?" for more that is needed, or what is wrong.
std::string Read(std::string_view bytes) {
  const auto result = ReadProxyHeader(bytes);
  if (std::holds_alternative<ProxyNeedMore>(result)) return "?";
  if (const auto* refused = std::get_if<ProxyRefused>(&result)) return refused->text;
  const auto& header = std::get<ProxyHeader>(result);
  EXPECT_LE(header.bytes, bytes.size());
  return header.client ? header.client->ToString() : "-";
}

size_t BytesOf(std::string_view bytes) {
  const auto result = ReadProxyHeader(bytes);
  const auto* header = std::get_if<ProxyHeader>(&result);
  return header == nullptr ? 0 : header->bytes;
}

// All of these are whole headers.
const std::pair<std::string, std::string> kGood[] = {
    // As the document has them.
    {"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
    {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "65535 65535\r\n",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"PROXY UNKNOWN\r\n", "-"},
    {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
     "-"},
    {"PROXY UNKNOWN  any\rthing \n at all\r\n", "-"},
    {"PROXY TCP6 2001:DB8::1 ::1 4242 80\r\n", "[2001:db8::1]:4242"},
    {"PROXY TCP6 :: :: 0 0\r\n", "::"},
    {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"},
    {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 4242 80\r\n", "192.0.2.1:4242"},
    {"PROXY TCP6 ::ffff:c000:201 1:2:3:4:5:6:7:8 4242 80\r\n", "192.0.2.1:4242"},
    {"PROXY TCP6 1:2:3:4:5:6:192.0.2.1 1:2:3:4:5:6:7:: 4242 80\r\n", "[1:2:3:4:5:6:c000:201]:4242"},
    {Binary(kProxyCommand, kTcpOverIpv4, kV4Addresses), "192.0.2.1:4242"},
    {Binary(kProxyCommand, kTcpOverIpv6, kV6Addresses), "[2001:db8::1]:4242"},
    {Binary(kProxyCommand, kTcpOverIpv6,
            std::string("\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x01", 16).append(20, '\x01')),
     "192.0.2.1:257"},
    // What comes behind the addresses is skipped: an ALPN, and bytes that are no TLV at all.
    {Binary(kProxyCommand, kTcpOverIpv4, std::string(kV4Addresses) + std::string("\x01\0\2h2", 5)),
     "192.0.2.1:4242"},
    {Binary(kProxyCommand, kTcpOverIpv4, std::string(kV4Addresses) + "\x01\xFF"), "192.0.2.1:4242"},
    {Binary(kProxyCommand, kTcpOverIpv4,
            std::string(kV4Addresses).append(kProxyHeaderBytesMax - 16 - 12, 'x')),
     "192.0.2.1:4242"},
    // A health check, whatever family it has.
    {Binary(0x20, 0, ""), "-"},
    {Binary(0x20, kTcpOverIpv4, kV4Addresses), "-"},
    {Binary(0x20, kTcpOverIpv4, ""), "-"},
    {Binary(0x20, '\xFF', "xyz"), "-"},
    // Nothing that is known to be an address.
    {Binary(kProxyCommand, 0x00, ""), "-"},
    {Binary(kProxyCommand, 0x00, "TLVs"), "-"},
    {Binary(kProxyCommand, 0x01, ""), "-"},
    {Binary(kProxyCommand, 0x10, kV4Addresses), "-"},
    {Binary(kProxyCommand, 0x30, ""), "-"},
    {Binary(kProxyCommand, 0x31, std::string(216, '/')), "-"},
};

TEST(ReadProxyHeader, ReadsWhatBalancersSend) {
  for (const auto& [bytes, client] : kGood) {
    EXPECT_EQ(Read(bytes), client) << testing::PrintToString(bytes);
  }
}

TEST(ReadProxyHeader, AsksForMoreUntilTheHeaderIsWholeAndTakesNothingBehindIt) {
  for (const auto& [bytes, client] : kGood) {
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_EQ(Read(std::string_view(bytes).substr(0, cut)), "?")
          << cut << " of " << testing::PrintToString(bytes);
    }
    for (const std::string rest : {"G", "GET / HTTP/1.1\r\n\r\n", "\r\n", "PROXY UNKNOWN\r\n"}) {
      ASSERT_EQ(Read(bytes + rest), client) << testing::PrintToString(bytes + rest);
      ASSERT_EQ(BytesOf(bytes + rest), bytes.size()) << testing::PrintToString(bytes + rest);
    }
  }
}

// The bytes are refused when the last of them has come, not before, and whatever follows.
void ExpectRefusedAtTheLastByte(std::string_view bytes, std::string_view why) {
  EXPECT_EQ(Read(bytes), why) << testing::PrintToString(bytes);
  for (const char* more : {"\r\n", "\n", "0", " 1 2 3 4\r\n"}) {
    EXPECT_TRUE(std::holds_alternative<ProxyRefused>(ReadProxyHeader(std::string(bytes) + more)))
        << testing::PrintToString(std::string(bytes) + more);
  }
  EXPECT_EQ(Read(bytes.substr(0, bytes.size() - 1)), "?") << testing::PrintToString(bytes);
}

TEST(ReadProxyHeader, WhatBeginsWithSomethingElseIsRefusedAtOnce) {
  constexpr std::string_view kNone = "there is no PROXY header where one has to be";
  const std::string_view rows[] = {
      "G",       "\x16", "\n",    " ",          std::string_view("\0", 1),
      "p",       "\xFF", "PO",    "PROP",       "PROXY\r",
      "PROXY\n", "\r\r", "\r\nG", "\r\n\r\n\n", "\r\n\r\n\r"};
  for (const std::string_view row : rows) ExpectRefusedAtTheLastByte(row, kNone);
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), kNone);
  EXPECT_EQ(Read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), kNone);
  EXPECT_EQ(Read(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11)), kNone)
      << "a ClientHello of TLS";
  for (size_t i = 0; i < kSignature.size(); ++i) {
    std::string bytes(kSignature.substr(0, i + 1));
    bytes[i] ^= 0x40;
    ExpectRefusedAtTheLastByte(bytes, kNone);
  }
}

TEST(ReadProxyHeader, ALineIsRefusedAtTheByteThatIsWrong) {
  const std::string family = "the PROXY line is for none of TCP4, TCP6 and UNKNOWN";
  const std::string source_v4 = "the source in the PROXY line is no IPv4 address";
  const std::string source_v6 = "the source in the PROXY line is no IPv6 address";
  const std::string destination = "the destination in the PROXY line is no IPv4 address";
  const std::string source_port = "the source port in the PROXY line is no number from 0 to 65535";
  const std::string destination_port =
      "the destination port in the PROXY line is no number from 0 to 65535";
  const std::string early = "the PROXY line ends too early";
  const std::pair<std::string, std::string> rows[] = {
      {"PROXY  ", family},
      {"PROXY \r", family},
      {"PROXY t", family},
      {"PROXY TCP ", family},
      {"PROXY TCP5", family},
      {"PROXY TCP4x", family},
      {"PROXY TCP4\n", family},
      {"PROXY UD", family},
      {"PROXY UNKNOWNS", family},
      {"PROXY UNKNOWN\n", family},
      {"PROXY UNKNOWN\t", family},
      {"PROXY TCP4\r", early},
      {"PROXY TCP4  ", source_v4},
      {"PROXY TCP4 \r", source_v4},
      {"PROXY TCP4 :", source_v4},
      {"PROXY TCP4 -", source_v4},
      {"PROXY TCP4 a", source_v4},
      {"PROXY TCP4 00", source_v4},
      {"PROXY TCP4 256", source_v4},
      {"PROXY TCP4 1..", source_v4},
      {"PROXY TCP4 1.2.3 ", source_v4},
      {"PROXY TCP4 1.2.3.4.", source_v4},
      {"PROXY TCP4 1.2.3.4:", source_v4},
      {"PROXY TCP4 1.2.3.4\t", source_v4},
      {"PROXY TCP4 1.2.3.4\r", early},
      {"PROXY TCP6 [", source_v6},
      {"PROXY TCP6 g", source_v6},
      {"PROXY TCP6 :1", source_v6},
      {"PROXY TCP6 :::", source_v6},
      {"PROXY TCP6 1::2::", source_v6},
      {"PROXY TCP6 12345", source_v6},
      {"PROXY TCP6 1.", source_v6},
      {"PROXY TCP6 1:2:3:4:5:6:7 ", source_v6},
      {"PROXY TCP6 1:2:3:4:5:6:7:8:", source_v6},
      {"PROXY TCP6 1:2:3:4:5:6:7:8.", source_v6},
      {"PROXY TCP6 ::1%", source_v6},
      {"PROXY TCP6 ::1]", source_v6},
      {"PROXY TCP6 ::ffff:1.2.3.256", source_v6},
      {"PROXY TCP4 1.2.3.4  ", destination},
      {"PROXY TCP4 1.2.3.4 5.6.7.8:", destination},
      {"PROXY TCP4 1.2.3.4 5.6.7.8\r", early},
      {"PROXY TCP4 1.2.3.4 5.6.7.8  ", source_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 00", source_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 65536", source_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 -", source_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 +", source_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80\r", early},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 \r", destination_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n", destination_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443x", destination_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\rx", destination_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\r", destination_port},
      {"PROXY TCP4 1.2.3.4 5.6.7.8 80 443 ", "the PROXY line goes on behind its ports"},
  };
  for (const auto& [bytes, why] : rows) ExpectRefusedAtTheLastByte(bytes, why);
}

TEST(ReadProxyHeader, ALineHasAtMost107Bytes) {
  constexpr std::string_view kTooLong = "the PROXY line has more than 107 bytes";
  const std::string begin = "PROXY UNKNOWN ";
  const std::string longest = begin + std::string(107 - 2 - begin.size(), 'x');
  EXPECT_EQ(Read(longest + "\r\n"), "-");
  EXPECT_EQ(Read(longest + "x\r"), kTooLong);
  EXPECT_EQ(Read(longest + "x\r\n"), kTooLong);
  EXPECT_EQ(Read(longest + std::string(1'000'000, 'x')), kTooLong);
  EXPECT_EQ(Read("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255 "
                 "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255 65535 65535\r\n"),
            kTooLong);
}

TEST(ReadProxyHeader, ABinaryHeaderIsRefusedAtTheByteThatIsWrong) {
  const auto with = [](std::string_view fixed) { return std::string(kSignature).append(fixed); };
  const std::pair<std::string, std::string> rows[] = {
      {with("\x11"), "the PROXY header has version 1"},
      {with("\x31"), "the PROXY header has version 3"},
      {with({"\x01", 1}), "the PROXY header has version 0"},
      {with("\x22"), "the PROXY header has the unknown command 2"},
      {with("\x2F"), "the PROXY header has the unknown command 15"},
      {with("\x21\x41"), "the PROXY header has the unknown family 4"},
      {with("\x21\xF1"), "the PROXY header has the unknown family 15"},
      {with("\x21\x13"), "the PROXY header has the unknown transport 3"},
      {with("\x21\x1F"), "the PROXY header has the unknown transport 15"},
      {with("\x21\x12"), "the PROXY header is for datagrams"},
      {with("\x21\x22"), "the PROXY header is for datagrams"},
      {with("\x21\x32"), "the PROXY header is for datagrams"},
      {with("\x21\x02"), "the PROXY header is for datagrams"},
      {with({"\x21\x11\0\0", 4}), "the PROXY header has 0 bytes of addresses, which take 12"},
      {with({"\x21\x11\0\x0B", 4}), "the PROXY header has 11 bytes of addresses, which take 12"},
      {with({"\x21\x21\0\x23", 4}), "the PROXY header has 35 bytes of addresses, which take 36"},
      {with({"\x21\x31\0\xD7", 4}), "the PROXY header has 215 bytes of addresses, which take 216"},
      {with({"\x21\x11\x0F\xF1", 4}), "the PROXY header has 4097 bytes, more than 4096"},
      {with("\x20\x11\xFF\xFF"), "the PROXY header has 65551 bytes, more than 4096"},
      {with({"\x21\0\xFF\xFF", 4}), "the PROXY header has 65551 bytes, more than 4096"},
  };
  for (const auto& [bytes, why] : rows) ExpectRefusedAtTheLastByte(bytes, why);
}

// The text goes to the log, where a stranger's bytes do not belong.
TEST(ReadProxyHeader, ARefusalQuotesNothingOfTheBytes) {
  for (const auto& [bytes, client] : kGood) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const char odd : {'\x1B', '\xFF', '\n', '~'}) {
        std::string changed = bytes;
        changed[i] = odd;
        const auto result = ReadProxyHeader(changed);
        const auto* refused = std::get_if<ProxyRefused>(&result);
        if (refused == nullptr) continue;
        ASSERT_THAT(refused->text, HasSubstr("PROXY"));
        ASSERT_TRUE(std::all_of(refused->text.begin(), refused->text.end(), [](char c) {
          return c >= ' ' && c < '~';
        })) << testing::PrintToString(changed);
      }
    }
  }
}

}  // namespace
}  // namespace longwire
