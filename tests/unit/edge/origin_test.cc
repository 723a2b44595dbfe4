#include "server/edge/origin.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longwire {
namespace {

OriginPatterns Patterns(const std::vector<std::string>& patterns) {
  auto parsed = OriginPatterns::Parse(patterns);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *std::move(parsed) : *OriginPatterns::Parse({"null"});
}

TEST(OriginPatterns, AnEmptyListAndAStarAllowAnything) {
  for (const OriginPatterns& any :
       {Patterns({}), Patterns({"*"}), Patterns({"https://example.com", "*"})}) {
    EXPECT_TRUE(any.allows_any());
    for (const char* origin : {"https://evil.org", "null", "", "garbage", "\x01"}) {
      EXPECT_TRUE(any.Allows(origin)) << origin;
    }
  }
  EXPECT_FALSE(Patterns({"https://example.com"}).allows_any());
  EXPECT_FALSE(Patterns({"null"}).allows_any());
}

TEST(OriginPatterns, AllowsTheSameOriginHoweverItIsWritten) {
  struct Row {
    const char *pattern, *origin;
    bool is_allowed;
  };
  const Row rows[] = {
      {"https://app.example.com", "https://app.example.com", true},
      {"https://app.example.com", "HTTPS://App.Example.COM", true},
      {"HTTPS://App.Example.COM", "https://app.example.com", true},
      {"https://app.example.com", "https://app.example.com:443", true},
      {"https://app.example.com:443", "https://app.example.com", true},
      {"http://app.example.com:80", "http://app.example.com", true},
      {"http://app.example.com", "http://app.example.com:80", true},
      {"https://app.example.com:8443", "https://app.example.com:8443", true},
      {"http://localhost:3000", "http://localhost:3000", true},
      {"http://127.0.0.1:3000", "http://127.0.0.1:3000", true},
      {"http://[::1]:3000", "http://[::1]:3000", true},
      {"https://[2001:DB8::1]", "https://[2001:db8::1]:443", true},
      {"https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example", true},
      {"https://a_b.example.com", "https://a_b.example.com", true},
      {"capacitor://localhost", "capacitor://localhost", true},
      {"chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop", true},
      {"app+x.y-2://id:1", "app+x.y-2://id:1", true},
      {"null", "null", true},

      {"https://app.example.com", "http://app.example.com", false},
      {"https://app.example.com", "https://example.com", false},
      {"https://app.example.com", "https://x.app.example.com", false},
      {"https://app.example.com", "https://app.example.com:80", false},
      {"https://app.example.com", "https://app.example.com:8443", false},
      {"https://app.example.com:8443", "https://app.example.com", false},
      {"https://app.example.com:8443", "https://app.example.com:443", false},
      {"https://app.example.com:80", "https://app.example.com", false},
      {"http://app.example.com:443", "https://app.example.com", false},
      {"capacitor://localhost:80", "capacitor://localhost", false},
      {"https://app.example.com", "https://app.example.com.", false},
      {"https://app.example.com.", "https://app.example.com", false},
      {"https://app.example.com", "null", false},
      {"https://null", "null", false},
      {"null", "https://null", false},
      {"null", "NULL", false},
      {"null", "", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Patterns({row.pattern}).Allows(row.origin), row.is_allowed)
        << row.pattern << " " << row.origin;
  }
}

TEST(OriginPatterns, AStarIsEverySubdomainAndNotTheDomain) {
  struct Row {
    const char *pattern, *origin;
    bool is_allowed;
  };
  const Row rows[] = {
      {"https://*.example.com", "https://a.example.com", true},
      {"https://*.example.com", "https://a.b.c.example.com:443", true},
      {"https://*.Example.com", "HTTPS://A.EXAMPLE.COM", true},
      {"https://*.example.com:443", "https://a.example.com", true},
      {"https://*.example.com:8443", "https://a.example.com:8443", true},
      {"http://*.localhost:3000", "http://a.localhost:3000", true},

      {"https://*.example.com", "https://example.com", false},
      {"https://*.example.com", "https://.example.com", false},
      {"https://*.example.com", "https://..example.com", false},
      {"https://*.example.com", "https://a..example.com", false},
      {"https://*.example.com", "https://*.example.com", false},
      {"https://*.example.com", "http://a.example.com", false},
      {"https://*.example.com", "https://a.example.com:8443", false},
      {"https://*.example.com:8443", "https://a.example.com", false},
      {"https://*.example.com:443", "https://a.example.com:8443", false},
      {"https://*.example.com", "https://aexample.com", false},
      {"https://*.example.com", "https://a.example.com.evil.org", false},
      {"https://*.example.com", "https://a.example.com.", false},
      {"https://*.example.com", "https://evil.org:1.example.com", false},
      {"https://*.example.com", "https://[::1].example.com", false},
      {"https://*.example.com", "https://evil.org/.example.com", false},
      {"https://*.example.com", "https://evil.org?.example.com", false},
      {"https://*.example.com", "https://evil.org#.example.com", false},
      {"https://*.example.com", "https://evil.org\\.example.com", false},
      {"https://*.example.com", "https://evil.org@a.example.com", false},
      {"https://*.example.com", "https://evil.org://a.example.com", false},
      {"https://*.example.com", "https://https://a.example.com", false},
      {"https://*.example.com", "https://evil.org,.example.com", false},
      {"https://*.example.com", "https://%2e.example.com", false},
      {"https://*.example.com", "null", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Patterns({row.pattern}).Allows(row.origin), row.is_allowed)
        << row.pattern << " " << row.origin;
  }
}

TEST(OriginPatterns, IsNotFooledByWhatOnlyLooksLikeOne) {
  const OriginPatterns patterns =
      Patterns({"https://app.example.com", "https://*.example.com", "http://[::1]"});
  ASSERT_TRUE(patterns.Allows("https://app.example.com"));
  const std::string_view rows[] = {
      "",
      "app.example.com",
      "//app.example.com",
      "://app.example.com",
      "https:app.example.com",
      "https:/app.example.com",
      "https:///app.example.com",
      "https://",
      "https://app.example.com.evil.org",
      "https://evilexample.com",
      "https://app-example.com",
      "https://app.example.com/",
      "https://x.example.com/",
      "https://app.example.com?",
      "https://app.example.com#",
      "https://app.example.com\\",
      "https://app.example.com@evil.org",
      "https://user@app.example.com",
      "https://user:secret@app.example.com",
      "https://@app.example.com",
      "https://app.example.com:",
      "https://app.example.com:0",
      "https://app.example.com:0443",
      "https://app.example.com:443x",
      "https://app.example.com:+443",
      "https://app.example.com:443:443",
      "https://app.example.com:65979",
      "https://app.example.com:4294967739",
      " https://app.example.com",
      "https://app.example.com ",
      "https:// app.example.com",
      "https://app .example.com",
      "https://app.example.com\t",
      "https://app.example.com\n",
      "\nhttps://app.example.com",
      "https://app.example.com\x7F",
      std::string_view("https://app.example.com\0", 24),
      std::string_view("https://app.example.com\0.evil.org", 33),
      std::string_view("https://evil.org\0.example.com", 29),
      "https://app.example.com, https://app.example.com",
      "https://app.example.com https://app.example.com",
      "https://app.example.com,https://evil.org",
      "https://evil.org https://app.example.com",
      "null, https://app.example.com",
      "\"https://app.example.com\"",
      "https://\xC3\xA4.example.com",
      "https://\xFF.example.com",
      "https://app%2Eexample.com",
      "wss://app.example.com",
      "http://[::1",
      "http://::1",
      "http://[::1]]",
      "http://[::1]x",
      "http://[::1]:80:80",
      "http://[[::1]]",
      "http://[::1%1]",
      "http://[:]:1]",
      "*",
      "https://*",
  };
  for (const std::string_view row : rows) {
    EXPECT_FALSE(patterns.Allows(row)) << testing::PrintToString(row);
  }
  EXPECT_FALSE(patterns.Allows("https://" + std::string(100'000, 'a')));
  EXPECT_FALSE(patterns.Allows(std::string(100'000, ':')));
}

TEST(OriginPatterns, EachOfSeveralAllows) {
  const OriginPatterns patterns =
      Patterns({"https://example.com", "https://*.example.com", "http://localhost:3000", "null"});
  for (const char* origin :
       {"https://example.com", "https://a.example.com", "null", "http://localhost:3000"}) {
    EXPECT_TRUE(patterns.Allows(origin)) << origin;
  }
  for (const char* origin :
       {"http://example.com", "http://a.localhost:3000", "https://localhost"}) {
    EXPECT_FALSE(patterns.Allows(origin)) << origin;
  }
}

TEST(OriginPatterns, SaysWhichPatternIsWrongAndWhat) {
  const std::string scheme = "it has no scheme, like https://";
  const std::string bad_scheme = "its scheme is none like https";
  const std::string end = "it has to end behind the host and the port, without a slash";
  const std::string no_host = "it has no host";
  const std::string host = "its host is neither a name nor an address like [2001:db8::1]";
  const std::string port = "its port is no number from 1 to 65535";
  const std::string star = "a star may only stand for the first labels, like https://*.example.com";
  const std::string no_domain = "there is no domain behind the star";
  const std::pair<std::string, std::string> rows[] = {
      {"", scheme},
      {" ", scheme},
      {"app.example.com", scheme},
      {"app.example.com:8443", scheme},
      {"//app.example.com", scheme},
      {"https:app.example.com", scheme},
      {"NULL", scheme},
      {"*.example.com", scheme},
      {"*.example.com/https://", scheme},
      {"://app.example.com", bad_scheme},
      {" https://app.example.com", bad_scheme},
      {"1https://app.example.com", bad_scheme},
      {"ht_tp://app.example.com", bad_scheme},
      {"*.x/https://*.example.com", scheme},
      {"https://app.example.com/", end},
      {"https://app.example.com/chat", end},
      {"https://app.example.com?x", end},
      {"https://app.example.com#x", end},
      {"https://*.example.com/", end},
      {"https:///app.example.com", end},
      {"https://", no_host},
      {"https://:8443", no_host},
      {"file://", no_host},
      {"https://user@app.example.com", host},
      {"https://app example.com", host},
      {"https://app.example.com ", host},
      {"https://.example.com", host},
      {"https://app..example.com", host},
      {"https://\xC3\xA4.example.com", host},
      {"https://[::1", host},
      {"https://[example.com]", host},
      {"https://[192.0.2.1]", host},
      {"https://[::1]x", host},
      {"https://*..example.com", host},
      {"https://*.user@example.com", host},
      {"https://::1", no_host},
      {"https://2001:db8::1", port},
      {"https://app.example.com:", port},
      {"https://app.example.com:0", port},
      {"https://app.example.com:65536", port},
      {"https://app.example.com:0443", port},
      {"https://app.example.com:https", port},
      {"https://[::1]:", port},
      {"https://*.example.com:x", port},
      {"https://app.*.com", star},
      {"https://app.example.*x", star},
      {"https://app*.example.com", star},
      {"https://*app.example.com", star},
      {"https://*.*.example.com", star},
      {"https://**.example.com", star},
      {"https://*.[::1]", star},
      {"https://app.example.com:*x", star},
      {"*://app.example.com", scheme},
      {"app.*", scheme},
      {"https://app.example.*", no_domain},
      {"https://*", no_domain},
      {"https://*.", no_domain},
      {"https://*:8443", no_domain},
      {"https://*.:8443", no_domain},
  };
  for (const auto& [pattern, why] : rows) {
    const auto parsed = OriginPatterns::Parse({"https://good.example.com", pattern});
    ASSERT_FALSE(parsed.ok()) << pattern;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(parsed.status().message()), "\"" + pattern + "\" is no origin: " + why);
  }
}

}  // namespace
}  // namespace longwire
