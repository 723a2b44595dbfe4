#include "server/api/page_token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

namespace longwire {
namespace {

TEST(PageToken, IsReadBackWithItsOwnFilter) {
  for (const SessionId last : {SessionId{1}, SessionId{4711}, SessionId{INT64_MAX}}) {
    for (const char* filter : {"", "uid alice", "topic room"}) {
      EXPECT_EQ(ParsePageToken(FormatPageToken(last, filter), filter), last) << filter;
    }
  }
}

TEST(PageToken, IsNothingWithAnotherFilter) {
  const std::string token = FormatPageToken(4711, "topic room");
  for (const char* filter : {"", "uid room", "topic room1", "topic roo"}) {
    EXPECT_EQ(ParsePageToken(token, filter), std::nullopt) << filter;
  }
}

TEST(PageToken, IsNothingWhenAnyByteOfItIsAnother) {
  const std::string token = FormatPageToken(0x123456789abcdef, "");
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'0', '7', 'f', 'F', 'g', ' ', '-', '\0'}) {
      std::string other = token;
      if (other[i] == c) continue;
      other[i] = c;
      EXPECT_EQ(ParsePageToken(other, ""), std::nullopt) << other;
    }
    EXPECT_EQ(ParsePageToken(token.substr(0, i), ""), std::nullopt) << i;
  }
  EXPECT_EQ(ParsePageToken(token + "0", ""), std::nullopt);
  EXPECT_EQ(ParsePageToken(" " + token, ""), std::nullopt);
  std::string upper = token;
  std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
  EXPECT_EQ(ParsePageToken(upper, ""), std::nullopt);
}

TEST(PageToken, OfNoSessionIsNothing) {
  EXPECT_EQ(ParsePageToken(FormatPageToken(0, ""), ""), std::nullopt);
  EXPECT_EQ(ParsePageToken(FormatPageToken(-1, ""), ""), std::nullopt);
}

}  // namespace
}  // namespace longwire
