#include "client/cli/parse.h"

#include <gtest/gtest.h>

namespace longwire::client::cli {
namespace {

using std::chrono::milliseconds;

TEST(CliParseDuration, KnowsItsUnits) {
  EXPECT_EQ(ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(ParseDuration("10s"), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("10"), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("5m"), milliseconds(300'000));
  EXPECT_EQ(ParseDuration("2h"), milliseconds(7'200'000));
}

TEST(CliParseDuration, RefusesTheRest) {
  for (const char* text :
       {"", "s", "10x", "-1s", "1.5s", " 1s", "1 s", "99999999h", "99999999999999999999"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(CliParseEventType, TakesAnyCase) {
  EXPECT_EQ(ParseEventType("enter"), v1::EVENT_TYPE_ENTER);
  EXPECT_EQ(ParseEventType("ROUTE"), v1::EVENT_TYPE_ROUTE);
  EXPECT_EQ(ParseEventType("Leave"), v1::EVENT_TYPE_LEAVE);
  EXPECT_EQ(ParseEventType("quit"), std::nullopt);
  EXPECT_EQ(ParseEventType(""), std::nullopt);
}

TEST(CliParseHeader, SplitsAtTheFirstColon) {
  EXPECT_EQ(ParseHeader("k:v"), std::pair(std::string("k"), std::string("v")));
  EXPECT_EQ(ParseHeader("k:  a:b"), std::pair(std::string("k"), std::string("a:b")));
  EXPECT_EQ(ParseHeader("k:"), std::pair(std::string("k"), std::string("")));
}

TEST(CliParseHeader, RefusesWhatWouldBreakTheRequest) {
  for (const char* text : {"", "novalue", ":v", "a b:v", "k:v\r\nx: y", "k\n:v"}) {
    EXPECT_EQ(ParseHeader(text), std::nullopt) << text;
  }
}

WebSocketUrl Url(const char* text) {
  auto parsed = ParseWebSocketUrl(text);
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    ADD_FAILURE() << text << ": " << *why;
    return {};
  }
  return std::get<WebSocketUrl>(parsed);
}

TEST(CliParseWebSocketUrl, TakesItApart) {
  const WebSocketUrl full = Url("ws://example.com:8080/chat?room=1");
  EXPECT_EQ(full.host, "example.com");
  EXPECT_EQ(full.port, "8080");
  EXPECT_EQ(full.target, "/chat?room=1");
  EXPECT_EQ(full.authority, "example.com:8080");
}

TEST(CliParseWebSocketUrl, FillsInWhatIsMissing) {
  EXPECT_EQ(Url("ws://h").target, "/");
  EXPECT_EQ(Url("ws://h").port, "80");
  EXPECT_EQ(Url("ws://h?x").target, "/?x");
  EXPECT_EQ(Url("WS://h/").host, "h");
}

TEST(CliParseWebSocketUrl, WssIsTlsOnAnotherPort) {
  EXPECT_FALSE(Url("ws://h/").is_tls);
  EXPECT_TRUE(Url("wss://h/").is_tls);
  EXPECT_TRUE(Url("WSS://h/").is_tls);
  EXPECT_EQ(Url("wss://h").port, "443");
  EXPECT_EQ(Url("wss://h?x").authority, "h");
  EXPECT_EQ(Url("wss://h:8443/").port, "8443");
  EXPECT_EQ(Url("wss://[::1]/").port, "443");
  EXPECT_EQ(Url("wss://[::1]:8443/").port, "8443");
}

TEST(CliParseWebSocketUrl, UnderstandsIpv6) {
  const WebSocketUrl url = Url("ws://[::1]:8080/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, "8080");
  EXPECT_EQ(url.authority, "[::1]:8080");
  EXPECT_EQ(Url("ws://[::1]").port, "80");
}

TEST(CliParseWebSocketUrl, SaysWhyNot) {
  for (const char* text : {"",           "h",           "http://h/",    "ws://",
                           "ws:///x",    "ws://h:/",    "ws://h:0/",    "ws://h:65536/",
                           "ws://h:x/",  "ws://[::1/",  "ws://[::1]x/", "ws://[]/",
                           "ws://h/a b", "ws://h/#top", "ws://h/\r\n",  "wss://",
                           "wss:h",      "wss://:443/", "wss://h:/",    "wsss://h/",
                           "https://h/"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(ParseWebSocketUrl(text))) << text;
  }
}

TEST(CliCloseCodeMeaning, KnowsTheGatewaysOwnCodes) {
  for (const unsigned code :
       {1000, 1001, 1002, 1006, 1007, 1008, 1009, 1012, 1013, 4401, 4403, 4408, 4409}) {
    EXPECT_NE(CloseCodeMeaning(code), "") << code;
  }
  EXPECT_EQ(CloseCodeMeaning(3999), "");
}

}  // namespace
}  // namespace longwire::client::cli
