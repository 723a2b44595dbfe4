#include "server/edge/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/base/limits.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kSmall = "GET /chat?room=1 HTTP/1.1\r\nHost: example.org\r\n\r\n";

// The reader's answer to bytes that come in one piece.
HttpRequestReader::Result ReadWhole(std::string_view bytes) {
  return HttpRequestReader().Read(bytes);
}

HttpRequest Parsed(std::string_view bytes) {
  HttpRequestReader::Result result = ReadWhole(bytes);
  auto* request = std::get_if<HttpRequest>(&result);
  EXPECT_NE(request, nullptr) << testing::PrintToString(bytes);
  return request == nullptr ? HttpRequest() : std::move(*request);
}

int StatusOf(std::string_view bytes) {
  const HttpRequestReader::Result result = ReadWhole(bytes);
  const auto* answer = std::get_if<HttpAnswer>(&result);
  return answer == nullptr ? 0 : answer->status;
}

TEST(HttpRequestReader, ReadsMethodTargetVersionAndHeadersAndRepeatsInTheirOrder) {
  const HttpRequest request = Parsed(
      "GET /chat?room=1 HTTP/1.1\r\nHost: example.org\r\nX-Two: b\r\nx-one:   a  \r\nX-Two: "
      "c\r\n\r\n");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/chat?room=1");
  EXPECT_EQ(request.version, 11);
  EXPECT_THAT(request.headers, UnorderedElementsAre(Pair("Host", "example.org"), Pair("X-Two", "b"),
                                                    Pair("x-one", "a"), Pair("X-Two", "c")));
  EXPECT_EQ(*request.Find("x-two"), "b");
}

TEST(HttpRequestReader, ReadsWhatIsHttpWithoutJudgingIt) {
  EXPECT_EQ(Parsed("GET / HTTP/1.0\r\n\r\n").version, 10);
  EXPECT_EQ(Parsed("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").method, "POST");
  EXPECT_EQ(Parsed("BREW / HTTP/1.1\r\n\r\n").method, "BREW");
  EXPECT_EQ(Parsed("GET http://example.org/x HTTP/1.1\r\n\r\n").target, "http://example.org/x");
  EXPECT_EQ(Parsed("GET /\xFF HTTP/1.1\r\n\r\n").target, "/\xFF");
}

TEST(HttpRequestReader, IsTheSameForEverySplitInTwoAndByteByByte) {
  const std::string bytes(kSmall);
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    HttpRequestReader reader;
    const auto first = reader.Read(std::string_view(bytes).substr(0, cut));
    ASSERT_TRUE(std::holds_alternative<HttpRequestReader::NeedMore>(first)) << cut;
    const auto second = reader.Read(std::string_view(bytes).substr(cut));
    ASSERT_TRUE(std::holds_alternative<HttpRequest>(second)) << cut;
    ASSERT_EQ(std::get<HttpRequest>(second).target, "/chat?room=1") << cut;
    ASSERT_EQ(reader.TakeRest(), "") << cut;
  }
  HttpRequestReader reader;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    ASSERT_TRUE(std::holds_alternative<HttpRequestReader::NeedMore>(reader.Read({&bytes[i], 1})));
  }
  const auto last = reader.Read({&bytes.back(), 1});
  ASSERT_TRUE(std::holds_alternative<HttpRequest>(last));
  EXPECT_THAT(std::get<HttpRequest>(last).headers, ElementsAre(Pair("Host", "example.org")));
}

TEST(HttpRequestReader, WhatCameBehindTheHeadIsKeptWhereverItIsCut) {
  const std::string bytes = std::string(kSmall) + std::string("\x81\x85\0\r\n\r\nframes", 13);
  const std::string rest = bytes.substr(kSmall.size());
  for (size_t cut = 0; cut <= kSmall.size() - 1; ++cut) {
    HttpRequestReader reader;
    if (cut > 0) static_cast<void>(reader.Read(std::string_view(bytes).substr(0, cut)));
    ASSERT_TRUE(
        std::holds_alternative<HttpRequest>(reader.Read(std::string_view(bytes).substr(cut))));
    ASSERT_EQ(reader.TakeRest(), rest) << cut;
  }
}

TEST(HttpRequestReader, ABodyIsLeftBehindTheHead) {
  HttpRequestReader reader;
  const auto result = reader.Read("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(std::holds_alternative<HttpRequest>(result));
  EXPECT_EQ(reader.TakeRest(), "hello");
}

TEST(HttpRequestReader, WhatIsNoHttpIs400) {
  const std::string_view rows[] = {
      "\r\n\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\n: no name\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : space before colon\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nX: bare line feed\r\n\r\n",
      "GET / HTTP/1.1\r\nX: \x01\r\n\r\n",
      "GET / HTTP/1.1\r\nN\xC3\xA4me: not ASCII\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: five\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",  // HTTP/2 without having asked.
      "\x16\x03\x01\x02\x00\x01\r\n\r\n",  // TLS to a port without it.
  };
  for (const std::string_view bytes : rows) {
    EXPECT_EQ(StatusOf(bytes), 400) << testing::PrintToString(bytes);
  }
}

// What is more by less than a kilobyte may go either way.
TEST(HttpRequestReader, AHeadAsLargeAsTheLimitIsReadAndALargerOneIs431) {
  const auto head = [](size_t bytes) {
    std::string text = "GET / HTTP/1.1\r\nX: ";
    return text + std::string(bytes - text.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(Parsed(head(kRequestHeaderBytesMax)).Find("X")->size(), kRequestHeaderBytesMax - 23);
  EXPECT_EQ(StatusOf(head(kRequestHeaderBytesMax + 1'024)), 431);
  EXPECT_EQ(StatusOf(head(10 * kRequestHeaderBytesMax)), 431);
}

TEST(HttpRequestReader, AHeadThatNeverEndsIs431AtTheLimitHoweverItComes) {
  const std::string endless =
      "GET / HTTP/1.1\r\nX: " + std::string(2 * kRequestHeaderBytesMax, 'x');
  for (const size_t step : {size_t{1}, size_t{1'000}, endless.size()}) {
    HttpRequestReader reader;
    size_t taken = 0;
    int status = 0;
    while (status == 0 && taken < endless.size()) {
      const auto result = reader.Read(std::string_view(endless).substr(taken, step));
      if (const auto* answer = std::get_if<HttpAnswer>(&result)) status = answer->status;
      taken += step;
    }
    EXPECT_EQ(status, 431) << step;
    EXPECT_LE(taken, kRequestHeaderBytesMax + std::max(step, size_t{4})) << "no more is gathered";
  }
}

TEST(HttpRequestReader, ManySmallHeadersCountLikeAFewLargeOnes) {
  std::string bytes = "GET / HTTP/1.1\r\n";
  while (bytes.size() < kRequestHeaderBytesMax + 1'024) bytes += "a: b\r\n";
  EXPECT_EQ(StatusOf(bytes + "\r\n"), 431);
}

TEST(HttpRequest, HeadersAreFoundByNameInAnyCase) {
  const HttpRequest request{.headers = {{"Host", "first"}, {"X", "y"}, {"HOST", "second"}}};
  ASSERT_NE(request.Find("host"), nullptr);
  EXPECT_EQ(*request.Find("hOsT"), "first");
  EXPECT_EQ(request.Find("Hos"), nullptr);
  EXPECT_EQ(request.Count("host"), 2u);
  EXPECT_EQ(request.Count("absent"), 0u);
}

TEST(HttpRequest, ATokenIsFoundInAListInAnyRepeatAndInAnyCase) {
  const HttpRequest request{
      .headers = {{"Connection", "keep-alive, Upgrade"}, {"connection", "x-other"}, {"Empty", ""}}};
  EXPECT_TRUE(request.HasToken("Connection", "upgrade"));
  EXPECT_TRUE(request.HasToken("connection", "KEEP-ALIVE"));
  EXPECT_TRUE(request.HasToken("connection", "x-other"));
  EXPECT_FALSE(request.HasToken("connection", "upgrad"));
  EXPECT_FALSE(request.HasToken("connection", "other"));
  EXPECT_FALSE(request.HasToken("empty", "upgrade"));
  EXPECT_FALSE(request.HasToken("absent", "upgrade"));
}

TEST(FormatHttpAnswer, IsAWholeAnswerThatEndsTheConnection) {
  const std::string text =
      FormatHttpAnswer({.status = 503, .body = "later\n", .headers = {{"Retry-After", "2"}}});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\nlater\n"));
  EXPECT_THAT(text, HasSubstr("\r\nRetry-After: 2\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 6\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n"));
}

TEST(FormatHttpAnswer, AnAnswerToHeadHasTheLengthOfTheBodyAndNoBody) {
  const std::string text = FormatHttpAnswer({.body = "ready\n"}, HttpBody::kLeaveOut);
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 6\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace longwire
