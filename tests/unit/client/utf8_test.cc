#include "client/src/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace longwire::client::internal {
namespace {

TEST(ClientUtf8, TakesWhatRfc3629Allows) {
  for (const char* text : {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
                           "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
                           "\xF4\x8F\xBF\xBF", "eight or more ASCII, then \xE2\x82\xAC"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string(3, '\0')));
}

TEST(ClientUtf8, RefusesTheRest) {
  for (const char* text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "eight or more ASCII, then \xE2\x82",
        "12345678\xFF"
        "12345678"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(ClientUtf8, FindsABadByteAtEveryPlace) {
  for (size_t length = 1; length < 40; ++length) {
    for (size_t at = 0; at < length; ++at) {
      std::string text(length, 'a');
      text[at] = '\xFF';
      EXPECT_FALSE(IsUtf8(text)) << length << " " << at;
    }
  }
}

}  // namespace
}  // namespace longwire::client::internal
