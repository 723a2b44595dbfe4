#include "server/edge/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/base/utf8.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// The example of RFC 6455 1.3.
constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr char kAccept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

HttpRequest GoodRequest(std::string target = "/") {
  return {.method = "GET",
          .target = std::move(target),
          .headers = {{"Host", "example.org"},
                      {"Upgrade", "websocket"},
                      {"Connection", "Upgrade"},
                      {"Sec-WebSocket-Key", kKey},
                      {"Sec-WebSocket-Version", "13"}}};
}

using Change = std::function<void(HttpRequest&)>;

Change Set(std::string name, std::string value) {
  return [=](HttpRequest& request) {
    for (auto& header : request.headers) {
      if (header.first == name) header.second = value;
    }
  };
}
Change Add(std::string name, std::string value) {
  return [=](HttpRequest& request) { request.headers.emplace_back(name, value); };
}
Change Remove(std::string name) {
  return [=](HttpRequest& request) {
    std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
  };
}
Change Target(std::string target) {
  return [=](HttpRequest& request) { request.target = target; };
}

// The status that refuses the changed request; 101 when it is taken.
int StatusOf(const Change& change, const HandshakeRules& rules = {}) {
  HttpRequest request = GoodRequest();
  change(request);
  const auto result = CheckUpgrade(request, rules);
  const auto* refused = std::get_if<UpgradeRefused>(&result);
  if (refused == nullptr) return 101;
  // A refusal says why, in the body, on a line.
  EXPECT_TRUE(refused->answer.body.ends_with("\n"));
  EXPECT_GT(refused->answer.body.size(), 10u);
  EXPECT_TRUE(IsValidUtf8(refused->answer.body));
  return refused->answer.status;
}

Upgrade Taken(const HttpRequest& request, const HandshakeRules& rules = {}) {
  auto result = CheckUpgrade(request, rules);
  auto* upgrade = std::get_if<Upgrade>(&result);
  EXPECT_NE(upgrade, nullptr);
  return upgrade == nullptr ? Upgrade() : std::move(*upgrade);
}

TEST(CheckUpgrade, AnswersTheKeyAsTheExampleOfRfc6455_1_3) {
  EXPECT_EQ(Taken(GoodRequest()).accept, kAccept);
}

TEST(CheckUpgrade, RefusesByTheClauseThatIsBroken) {
  struct Row {
    const char* clause;
    Change change;
    int status;
  };
  const Row rows[] = {
      {"4.2.1/1 the method is GET", [](auto& r) { r.method = "POST"; }, 400},
      {"4.2.1/1 HEAD is not GET", [](auto& r) { r.method = "HEAD"; }, 400},
      {"4.2.1/1 methods are case-sensitive", [](auto& r) { r.method = "get"; }, 400},
      {"4.2.1/1 HTTP/1.1 or higher", [](auto& r) { r.version = 10; }, 400},
      {"4.2.1/2 a Host", Remove("Host"), 400},
      {"RFC 9112 3.2 one Host", Add("host", "example.org"), 400},
      {"4.2.1/3 an Upgrade", Remove("Upgrade"), 426},
      {"4.2.1/3 to websocket", Set("Upgrade", "h2c"), 426},
      {"4.2.1/3 to websocket, not something like it", Set("Upgrade", "websockets"), 426},
      {"4.2.1/3 in any case", Set("Upgrade", "WebSocket"), 101},
      {"4.2.1/3 among others", Set("Upgrade", "h2c, websocket"), 101},
      {"4.2.1/4 a Connection", Remove("Connection"), 426},
      {"4.2.1/4 with upgrade", Set("Connection", "keep-alive"), 426},
      {"4.2.1/4 among others, as Firefox has it", Set("Connection", "keep-alive, Upgrade"), 101},
      {"4.2.1/5 a key", Remove("Sec-WebSocket-Key"), 400},
      {"4.2.1/5 one key", Add("Sec-WebSocket-Key", kKey), 400},
      {"4.2.1/6 a version", Remove("Sec-WebSocket-Version"), 426},
      {"4.2.1/6 which is 13", Set("Sec-WebSocket-Version", "8"), 426},
      {"4.2.1/6 and only 13", Set("Sec-WebSocket-Version", "13, 8"), 426},
      {"4.2.1/6 said once", Add("Sec-WebSocket-Version", "13"), 426},
      {"4.2.1/6 in its plain form", Set("Sec-WebSocket-Version", "013"), 426},
      {"4.2.1/8 protocols are optional", Add("Sec-WebSocket-Protocol", "chat"), 101},
      {"4.2.1/9 extensions are optional", Add("Sec-WebSocket-Extensions", "x-y; z=1"), 101},
      {"4.2.1/10 other headers are ignored", Add("X-Anything", "at all"), 101},
      {"RFC 9110 9.3.1 no body", Add("Content-Length", "5"), 400},
      {"RFC 9110 8.6 an empty body is none", Add("Content-Length", "0"), 101},
      {"RFC 9112 6.1 nor a chunked one", Add("Transfer-Encoding", "chunked"), 400},
      {"RFC 9110 10.1.1 no expectation", Add("Expect", "100-continue"), 417},
      {"4.1/1 a path", Target("*"), 400},
      {"4.1/1 no authority alone", Target("example.org:80"), 400},
      {"3 no fragment", Target("/#top"), 400},
      {"3 nor behind a query", Target("/?a=b#top"), 400},
      {"RFC 9112 3.2.2 the absolute form", Target("http://example.org/x?y"), 101},
  };
  for (const Row& row : rows) EXPECT_EQ(StatusOf(row.change), row.status) << row.clause;
}

TEST(CheckUpgrade, NamesTheReasonForTheCounter) {
  const auto reason_of = [](const Change& change) {
    HttpRequest request = GoodRequest();
    change(request);
    return std::get<UpgradeRefused>(CheckUpgrade(request, {.ws_path = "/ws"})).reason;
  };
  EXPECT_EQ(reason_of(Remove("Host")), AdmissionRefusal::kBadRequest);
  EXPECT_EQ(reason_of(Add("Expect", "100-continue")), AdmissionRefusal::kExpectation);
  EXPECT_EQ(reason_of(Target("/elsewhere")), AdmissionRefusal::kNotFound);
  EXPECT_EQ(reason_of([](HttpRequest& request) {
              request.target = "/ws";
              Remove("Upgrade")(request);
            }),
            AdmissionRefusal::kUpgradeRequired);
}

TEST(CheckUpgrade, A426SaysWhatIsSpokenHere) {
  HttpRequest request = GoodRequest();
  Set("Sec-WebSocket-Version", "8")(request);
  const auto result = CheckUpgrade(request, {});
  EXPECT_THAT(std::get<UpgradeRefused>(result).answer.headers,
              ElementsAre(Pair("Upgrade", "websocket"), Pair("Connection", "Upgrade"),
                          Pair("Sec-WebSocket-Version", "13")));
}

TEST(CheckUpgrade, TakesOnlyAKeyThatIsTheBase64Of16Bytes) {
  const std::pair<std::string, int> rows[] = {
      {kKey, 101},
      {"AAAAAAAAAAAAAAAAAAAAAA==", 101},
      {"/////////////////////w==", 101},
      {"", 400},
      {"dGhlIHNhbXBsZSBub25jZQ", 400},        // No padding.
      {"dGhlIHNhbXBsZSBub25jZQ=", 400},       // Half of it.
      {"dGhlIHNhbXBsZSBub25j", 400},          // 15 bytes
      {"dGhlIHNhbXBsZSBub25jZWU=", 400},      // 17
      {"dGhlIHNhbXBsZSBub25jZWVl", 400},      // 18, of 24 digits
      {"dGhlIHNhbXBsZSBub25jZQ==AAAA", 400},  // More behind it.
      {"dGhlIHNhbXBsZSBub25j!Q==", 400},      // No digit.
      {"dGhlIHNhbXBs-_Bub25jZQ==", 400},      // The alphabet of URLs.
      {"dGhlIHNhbXBsZSBub25jZ ==", 400},      // A space in it.
      {"dGhl=HNhbXBsZSBub25jZQ==", 400},      // Padding in it.
      {"========================", 400},
  };
  for (const auto& [key, status] : rows) {
    EXPECT_EQ(StatusOf(Set("Sec-WebSocket-Key", key)), status) << key;
  }
}

TEST(CheckUpgrade, ServesItsPathAndWhatIsBelowIt) {
  struct Row {
    const char *ws_path, *target;
    int status;
  };
  const Row rows[] = {
      {"/", "/", 101},
      {"/", "/a/b?c", 101},
      {"/ws", "/ws", 101},
      {"/ws", "/ws?x=1", 101},
      {"/ws", "/ws/room", 101},
      {"/ws", "/wsx", 404},
      {"/ws", "/w", 404},
      {"/ws", "/", 404},
      {"/ws", "/WS", 404},
      {"/ws/", "/ws", 101},
      {"/ws/", "/ws/x", 101},
      {"/ws/", "/wsx", 404},
      {"/ws", "/x/ws", 404},
      {"/a/b", "/a/b/c", 101},
      {"/a/b", "/a", 404},
      {"/ws", "http://example.org/ws", 101},
      {"/ws", "http://example.org/", 404},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(StatusOf(Target(row.target), {.ws_path = row.ws_path}), row.status)
        << row.ws_path << " " << row.target;
  }
}

// One such event would break every Go and Python subscriber for ever.
TEST(CheckUpgrade, WhatIsNotUtf8IsRefusedWhereverItStands) {
  for (const std::string bad : {"\xFF", "\xC3", "\xED\xA0\x80", "\xC0\xAF"}) {
    EXPECT_EQ(StatusOf(Target("/" + bad)), 400);
    EXPECT_EQ(StatusOf(Target("/?x=" + bad)), 400);
    EXPECT_EQ(StatusOf(Target("http://example.org/" + bad)), 400);
    EXPECT_EQ(StatusOf(Add("X-Name", "a" + bad)), 400);
    EXPECT_EQ(StatusOf(Set("Host", bad)), 400);
    EXPECT_EQ(StatusOf(Add("Sec-WebSocket-Protocol", bad)), 400);
    EXPECT_EQ(StatusOf(Add("Cookie", bad)), 400) << "the Authenticator is shown it";
  }
  HttpRequest request = GoodRequest("/\xE4\xBD\xA0?n=\xC3\xA9");
  request.headers.emplace_back("X-Name", "\xF0\x9F\x98\x80");
  const Upgrade upgrade = Taken(request);
  EXPECT_EQ(upgrade.handshake.path(), "/\xE4\xBD\xA0");
  EXPECT_EQ(upgrade.handshake.query(), "n=\xC3\xA9");
  EXPECT_EQ(upgrade.handshake.headers().at("x-name"), "\xF0\x9F\x98\x80");
}

TEST(CheckUpgrade, ShowsTheAuthenticatorEverythingInLowerCaseAndJoined) {
  HttpRequest request = GoodRequest("/chat?token=secret&x=1");
  request.headers = {{"HOST", "example.org"},
                     {"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Key", kKey},
                     {"Sec-WebSocket-Version", "13"},
                     {"X-Forwarded-For", "192.0.2.1"},
                     {"Cookie", "a=b"},
                     {"x-forwarded-for", "192.0.2.2"}};
  const v1::Enter shown = Taken(request).handshake;
  EXPECT_EQ(shown.path(), "/chat");
  EXPECT_EQ(shown.query(), "token=secret&x=1");
  EXPECT_THAT(
      shown.headers(),
      UnorderedElementsAre(Pair("host", "example.org"), Pair("upgrade", "websocket"),
                           Pair("connection", "Upgrade"), Pair("sec-websocket-key", kKey),
                           Pair("sec-websocket-version", "13"),
                           Pair("x-forwarded-for", "192.0.2.1, 192.0.2.2"), Pair("cookie", "a=b")));
}

TEST(CheckUpgrade, TheClientsFirstSubprotocolThatIsSpokenIsChosen) {
  const HandshakeRules rules = {.subprotocols = {"chat.v1", "chat.v2"}};
  const auto chosen = [&](std::vector<std::string> offers) {
    HttpRequest request = GoodRequest();
    for (std::string& offer : offers) {
      request.headers.emplace_back("Sec-WebSocket-Protocol", std::move(offer));
    }
    return Taken(request, rules).handshake.subprotocol();
  };
  EXPECT_EQ(chosen({}), "");
  EXPECT_EQ(chosen({"chat.v1"}), "chat.v1");
  EXPECT_EQ(chosen({"chat.v2, chat.v1"}), "chat.v2") << "the client's order, not ours";
  EXPECT_EQ(chosen({"soap, chat.v1"}), "chat.v1");
  EXPECT_EQ(chosen({"soap", "chat.v2"}), "chat.v2") << "in a repeat of the header";
  EXPECT_EQ(chosen({"soap"}), "");
  EXPECT_EQ(chosen({"CHAT.V1"}), "") << "names are case-sensitive";
  EXPECT_EQ(chosen({"chat.v1x, chat.v"}), "");
}

TEST(FormatSwitchingProtocols, AcceptsAndNamesTheSubprotocolIfThereIsOne) {
  HttpRequest request = GoodRequest();
  EXPECT_EQ(FormatSwitchingProtocols(Taken(request)),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  request.headers.emplace_back("Sec-WebSocket-Protocol", "chat");
  request.headers.emplace_back("Sec-WebSocket-Extensions", "permessage-deflate");
  const std::string text = FormatSwitchingProtocols(Taken(request, {.subprotocols = {"chat"}}));
  EXPECT_THAT(text, HasSubstr("\r\nSec-WebSocket-Protocol: chat\r\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("Extensions")));
}

TEST(WithoutSecrets, CutsTheTokenOutOfTheQueryAndNothingElse) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"token=abc", ""},
      {"token", ""},
      {"token=", ""},
      {"token=abc&x=1", "x=1"},
      {"x=1&token=abc", "x=1"},
      {"x=1&token=abc&y=2", "x=1&y=2"},
      {"token=a&token=b", ""},
      {"token=a&x=1&token=b", "x=1"},
      {"token=a=b&x=1", "x=1"},
      {"%74oken=abc&x=1", "x=1"},
      {"x=1&to%6B%65n=abc", "x=1"},
      {"tokenx=1", "tokenx=1"},
      {"xtoken=1&y", "xtoken=1&y"},
      {"Token=1", "Token=1"},
      {"a=token", "a=token"},
      {"a=token=1&b", "a=token=1&b"},
      {"token%=1&%zz=2&%7=3", "token%=1&%zz=2&%7=3"},
      {"x=1&&y=2", "x=1&&y=2"},
  };
  for (const auto& [query, expected] : rows) {
    v1::Enter enter;
    enter.set_query(query);
    EXPECT_EQ(WithoutSecrets(enter).query(), expected) << query;
  }
}

TEST(WithoutSecrets, HidesTheHeadersThatMayHoldCredentialsAndKeepsTheRest) {
  HttpRequest request = GoodRequest("/chat?token=secret");
  for (const char* name :
       {"Authorization", "Cookie", "Proxy-Authorization", "Origin", "X-Cookie",
        "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-Fetch-Mode"}) {
    request.headers.emplace_back(name, "value");
  }
  v1::Enter enter = Taken(request).handshake;
  enter.set_remote_address("192.0.2.1:4242");
  enter.set_subprotocol("chat");
  const v1::Enter shown = WithoutSecrets(std::move(enter));
  EXPECT_THAT(shown.headers(),
              UnorderedElementsAre(Pair("host", "example.org"), Pair("upgrade", "websocket"),
                                   Pair("connection", "Upgrade"), Pair("origin", "value"),
                                   Pair("x-cookie", "value"), Pair("sec-fetch-mode", "value")));
  EXPECT_EQ(shown.path(), "/chat");
  EXPECT_EQ(shown.remote_address(), "192.0.2.1:4242");
  EXPECT_EQ(shown.subprotocol(), "chat");
}

TEST(SplitTarget, SplitsOriginAndAbsoluteForm) {
  struct Row {
    const char *target, *path, *query;
  };
  const Row rows[] = {{"/", "/", ""},
                      {"/a/b", "/a/b", ""},
                      {"/?", "/", ""},
                      {"/a?b=c", "/a", "b=c"},
                      {"/a?b=c?d", "/a", "b=c?d"},
                      {"//a", "//a", ""},
                      {"/a://b", "/a://b", ""},
                      {"http://example.org", "/", ""},
                      {"http://example.org/", "/", ""},
                      {"http://example.org:80/a?b=/c", "/a", "b=/c"},
                      {"ws://[::1]:80/a", "/a", ""}};
  for (const Row& row : rows) {
    std::string_view path, query;
    EXPECT_TRUE(SplitTarget(row.target, path, query)) << row.target;
    EXPECT_EQ(path, row.path) << row.target;
    EXPECT_EQ(query, row.query) << row.target;
  }
}

TEST(SplitTarget, RefusesWhatHasNoPath) {
  std::string_view path, query;
  for (const char* target :
       {"", "*", "a", "example.org:80", "?a=b", "#", "/#", "/a?b#c", "http:/a"}) {
    EXPECT_FALSE(SplitTarget(target, path, query)) << target;
  }
}

TEST(TryAgainLater, SaysWhen) {
  const HttpAnswer answer = TryAgainLater("This gateway is full.");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "This gateway is full.\n");
  EXPECT_THAT(answer.headers, ElementsAre(Pair("Retry-After", "2")));
}

}  // namespace
}  // namespace longwire
