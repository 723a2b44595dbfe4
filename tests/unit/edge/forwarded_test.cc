#include "server/edge/forwarded.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "server/base/limits.h"

namespace longwire {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

const char kDifferent[] =
    "X-Forwarded-For and Forwarded name different clients: the proxy has to remove the one that it "
    "does not add to";

// The proxies are 10.0.0.0/8 and 2001:db8:a::/48.
std::string ClientOf(const char* peer, Headers headers) {
  const AddressRange trusted[] = {*AddressRange::Parse("10.0.0.0/8"),
                                  *AddressRange::Parse("2001:db8:a::/48")};
  const HttpRequest request{.method = "GET", .target = "/", .headers = std::move(headers)};
  const auto result = ClientAddress(*RemoteAddress::Parse(peer), request, trusted);
  const auto* refused = std::get_if<ForwardedRefused>(&result);
  return refused != nullptr ? refused->text : std::get<RemoteAddress>(result).ToString();
}

std::string ForwardedFor(std::string list) {
  return ClientOf("10.0.0.1:5", {{"X-Forwarded-For", std::move(list)}});
}

std::string Forwarded(std::string list) {
  return ClientOf("10.0.0.1:5", {{"Forwarded", std::move(list)}});
}

TEST(ClientAddress, OfAPeerThatIsNotTrustedIsThePeerWhateverItSays) {
  const Headers headers[] = {{},
                             {{"X-Forwarded-For", "198.51.100.7"}},
                             {{"Forwarded", "for=198.51.100.7"}},
                             {{"X-Forwarded-For", "10.0.0.2"}, {"Forwarded", "for=198.51.100.7"}}};
  for (const char* peer : {"203.0.113.1:5", "11.0.0.1", "[2001:db8:b::1]:5", "a00::1"}) {
    for (const Headers& claims : headers) EXPECT_EQ(ClientOf(peer, claims), peer);
  }
  const HttpRequest request{.headers = {{"X-Forwarded-For", "198.51.100.7"}}};
  const RemoteAddress peer = *RemoteAddress::Parse("10.0.0.1:5");
  EXPECT_EQ(std::get<RemoteAddress>(ClientAddress(peer, request, {})), peer) << "nobody is trusted";
}

TEST(ClientAddress, WithoutHeadersIsThePeer) {
  EXPECT_EQ(ClientOf("10.0.0.1:5", {}), "10.0.0.1:5");
  EXPECT_EQ(ClientOf("10.0.0.1:5", {{"X-Real-IP", "198.51.100.7"}}), "10.0.0.1:5");
  EXPECT_EQ(ForwardedFor(""), "10.0.0.1:5");
  EXPECT_EQ(ForwardedFor(" , ,\t,"), "10.0.0.1:5");
  EXPECT_EQ(Forwarded(""), "10.0.0.1:5");
  EXPECT_EQ(Forwarded(",,"), "10.0.0.1:5");
}

TEST(ClientAddress, IsTheLastThatIsNotTrusted) {
  const std::pair<const char*, const char*> rows[] = {
      {"198.51.100.7", "198.51.100.7"},
      {"198.51.100.7:4242", "198.51.100.7:4242"},
      {"2001:db8::7", "2001:db8::7"},
      {"[2001:db8::7]", "2001:db8::7"},
      {"[2001:db8::7]:4242", "[2001:db8::7]:4242"},
      {"::ffff:198.51.100.7", "198.51.100.7"},
      {" \t198.51.100.7\t ", "198.51.100.7"},
      {"198.51.100.7, 10.0.0.2", "198.51.100.7"},
      {"198.51.100.7,10.0.0.2,10.0.0.3", "198.51.100.7"},
      {"198.51.100.7, 2001:db8:a::2, 10.0.0.3:80", "198.51.100.7"},
      {"198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7"},
      {"198.51.100.7, , 10.0.0.2,", "198.51.100.7"},
      // What stands before it is the client's own invention.
      {"203.0.113.9, 198.51.100.7", "198.51.100.7"},
      {"10.0.0.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"},
      {"10.0.0.9, 198.51.100.7", "198.51.100.7"},
      {"garbage, 198.51.100.7, 10.0.0.2", "198.51.100.7"},
      {"\"open, 198.51.100.7", "198.51.100.7"},
      // All are trusted: the first.
      {"10.0.0.4, 10.0.0.3, 10.0.0.2:80", "10.0.0.4"},
      // An entry that is no address ends the walk.
      {"unknown", "10.0.0.1:5"},
      {"_hidden", "10.0.0.1:5"},
      {"198.51.100.7, unknown", "10.0.0.1:5"},
      {"198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"},
      {"198.51.100.7, 10.0.0.3.4, 10.0.0.2:80", "10.0.0.2:80"},
      {"198.51.100.7 10.0.0.2", "10.0.0.1:5"},
      {"198.51.100.7; 10.0.0.2", "10.0.0.1:5"},
      {"\"198.51.100.7\"", "10.0.0.1:5"},
      {"198.51.100.7:70000", "10.0.0.1:5"},
      {"client.example.org", "10.0.0.1:5"},
  };
  for (const auto& [list, client] : rows) EXPECT_EQ(ForwardedFor(list), client) << list;
}

TEST(ClientAddress, ReadsAllRepeatsInTheirOrderAndNamesInAnyCase) {
  EXPECT_EQ(ClientOf("10.0.0.1", {{"x-forwarded-for", "203.0.113.9"},
                                  {"X-FORWARDED-FOR", "198.51.100.7, 10.0.0.3"},
                                  {"X-Forwarded-For", "10.0.0.2"}}),
            "198.51.100.7");
  EXPECT_EQ(ClientOf("10.0.0.1", {{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-For", ""}}),
            "198.51.100.7");
  EXPECT_EQ(ClientOf("10.0.0.1", {{"forwarded", "for=203.0.113.9"},
                                  {"FORWARDED", "for=198.51.100.7, for=10.0.0.3"},
                                  {"Forwarded", "for=10.0.0.2"}}),
            "198.51.100.7");
  EXPECT_EQ(ClientOf("10.0.0.1",
                     {{"Forwarded", "for=\"203.0.113.9"}, {"Forwarded", "for=\"198.51.100.7\""}}),
            "198.51.100.7")
      << "a quoted string ends with its header";
}

TEST(ClientAddress, ReadsWhatRfc7239Writes) {
  const std::pair<const char*, const char*> rows[] = {
      {"for=198.51.100.7", "198.51.100.7"},
      {"For=198.51.100.7", "198.51.100.7"},
      {"FOR=\"198.51.100.7\"", "198.51.100.7"},
      {"for=\"198.51.100.7:4242\"", "198.51.100.7:4242"},
      {"for=\"[2001:db8::7]\"", "2001:db8::7"},
      {"For=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711"},
      {"for=\"198.51.100.7:_http\"", "198.51.100.7"},
      {"for=\"[2001:db8::7]:_a.B-1_\"", "2001:db8::7"},
      {"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"},
      {"proto=https ; by=\"_a;b,c\" ;\tfor=192.0.2.60", "192.0.2.60"},
      {"for=192.0.2.60;;proto=http;", "192.0.2.60"},
      {"host=\"a\\\"b\\\\\";for=\"\\1\\98.51.100.7\"", "198.51.100.7"},
      {"for=192.0.2.60;host=\"\"", "192.0.2.60"},
      {"for=192.0.2.60;host=\"x, for=10.0.0.9\"", "192.0.2.60"},
      {"for=192.0.2.60;host=\"\\\", for=10.0.0.9\\\\\", for=10.0.0.2", "192.0.2.60"},
      {"for=192.0.2.43, for=198.51.100.17", "198.51.100.17"},
      {"for=192.0.2.43, for=\"[2001:db8:a::17]\";proto=https, for=10.0.0.2", "192.0.2.43"},
      {"for=192.0.2.43,, for=10.0.0.2,", "192.0.2.43"},
      {"for=10.0.0.4;by=10.0.0.3, for=10.0.0.3", "10.0.0.4"},
      // Written without the quotes that it needs.
      {"for=[2001:db8::7]:4242;proto=http", "[2001:db8::7]:4242"},
      {"for=198.51.100.7:4242", "198.51.100.7:4242"},
  };
  for (const auto& [list, client] : rows) EXPECT_EQ(Forwarded(list), client) << list;
}

TEST(ClientAddress, AnElementThatNamesNobodyEndsTheWalk) {
  const char* const rows[] = {
      "for=unknown",
      "for=_hidden",
      "for=\"_gazonk\"",
      "for=\"unknown:80\"",
      "for=\"\"",
      "for=",
      "for",
      "=",
      "=;for=198.51.100.7",
      "198.51.100.7",
      "by=198.51.100.7;proto=http",
      ";",
      "xfor=198.51.100.7",
      "for =198.51.100.7",
      "for= 198.51.100.7",
      "for=198.51.100.7 80",
      "for=198.51.100.7 proto=http",
      "for=\"198.51.100.7\"x",
      "for=\"198.51.100.7\"\"x\"",
      "for=x\"198.51.100.7\"",
      "for=\"198.51.100.7",
      "for=\"198.51.100.7\\\"",
      "for=198.51.100.7\"",
      "for=\"198.51.100.7\\",
      "for=\"\"198.51.100.7\"",
      "for='198.51.100.7'",
      "for=198.51.100.7;for=198.51.100.7",
      "for=198.51.100.7;FOR=203.0.113.1",
      "for=198.51.100.7;proto",
      "for=198.51.100.7;a b=c",
      "for=\"198.51.100.7:_a:_b\"",
      "for=\"198.51.100.7:80:_a\"",
      "for=\"198.51.100.7:0:_a\"",
      "for=\"2001:db8::7:_a\"",
      "for=\"[2001:db8::7]:80:_a\"",
      "for=\"198.51.100.7:_$\"",
      "for=\"198.51.100.7:70000\"",
  };
  for (const char* row : rows) {
    EXPECT_EQ(Forwarded(row), "10.0.0.1:5") << row;
    EXPECT_EQ(Forwarded(std::string("for=203.0.113.9, ") + row + ", for=10.0.0.2"), "10.0.0.2")
        << row;
  }
}

// The client may write what it likes before what the proxy adds.
TEST(ClientAddress, NothingBeforeThemSwallowsWhatTheProxiesAdded) {
  for (const std::string made_up :
       {"for=\"", "for=\"x", "for=x\\", "\\", "\"\\", "for=\"\\\"", "\"\"\"", "for=6.6.6.6;x=\"",
        ";;;", "=", "for=\"6.6.6.6\";by=\"", "for=unknown", "\x01\xFF"}) {
    for (const std::string added :
         {"for=198.51.100.7", "for=\"198.51.100.7\"", "for=198.51.100.7;host=\"a,\\\"b\"",
          "for=198.51.100.7, for=10.0.0.3;by=\"_x\", for=\"10.0.0.2\""}) {
      EXPECT_EQ(Forwarded(made_up + ", " + added), "198.51.100.7") << made_up << ", " << added;
      EXPECT_EQ(Forwarded(made_up + "," + added), "198.51.100.7") << made_up << "," << added;
    }
  }
}

TEST(ClientAddress, TwoHeadersHaveToNameTheSame) {
  const auto client = [](const char* common, const char* standard) {
    return ClientOf("10.0.0.1:5", {{"X-Forwarded-For", common}, {"Forwarded", standard}});
  };
  EXPECT_EQ(client("198.51.100.7", "for=198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(client("198.51.100.7:80", "for=198.51.100.7"), "198.51.100.7:80");
  EXPECT_EQ(client("198.51.100.7", "for=\"198.51.100.7:80\""), "198.51.100.7:80");
  EXPECT_EQ(client("203.0.113.9, 198.51.100.7", "for=198.51.100.7, for=10.0.0.2"), "198.51.100.7");
  EXPECT_EQ(client("unknown", "for=unknown"), "10.0.0.1:5");
  EXPECT_EQ(client("", "for=198.51.100.7"), "198.51.100.7") << "nothing is in it";
  EXPECT_EQ(client("198.51.100.7", ","), "198.51.100.7");

  EXPECT_EQ(client("198.51.100.7", "for=203.0.113.9"), kDifferent);
  EXPECT_EQ(client("198.51.100.7", "for=unknown"), kDifferent);
  EXPECT_EQ(client("unknown", "for=198.51.100.7"), kDifferent);
  EXPECT_EQ(client("198.51.100.7", "\""), kDifferent);
  EXPECT_EQ(client("198.51.100.7", "for=10.0.0.2"), kDifferent);
  EXPECT_EQ(client("198.51.100.7", "for=\"[c633:6407::]\""), kDifferent) << "the same bytes";
}

TEST(ClientAddress, OnlySoManyEntriesAreLookedAt) {
  std::string common = "10.9.9.9", standard = "for=10.9.9.9";
  for (int i = 1; i < kForwardedHopsMax; ++i) {
    common += ", 10.0.0." + std::to_string(i);
    standard += ", for=10.0.0." + std::to_string(i);
  }
  EXPECT_EQ(ForwardedFor(common), "10.9.9.9");
  EXPECT_EQ(ForwardedFor("198.51.100.7, " + common), "10.9.9.9");
  EXPECT_EQ(Forwarded(standard), "10.9.9.9");
  EXPECT_EQ(Forwarded("for=198.51.100.7, " + standard), "10.9.9.9");
}

// Each of these would take a reader that looks back at every byte more than a minute.
TEST(ClientAddress, CostsNoMoreThanTheHeadersAreLong) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* bytes : {",", "\"", "\\", "\\\"", ";", "for=", "for=\"\\\\\","}) {
    std::string list;
    while (list.size() < 1'000'000) list += bytes;
    EXPECT_EQ(ForwardedFor(list), "10.0.0.1:5");
    EXPECT_EQ(Forwarded(list), "10.0.0.1:5");
    EXPECT_EQ(Forwarded('"' + list + '"'), "10.0.0.1:5");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace longwire
