#include "server/base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace longwire {
namespace {

// How many bytes the validator accepts before it says no; npos when it takes them all.
size_t RefusedAfter(std::string_view bytes) {
  Utf8Validator validator;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!validator.Feed(bytes.substr(i, 1))) return i + 1;
  }
  return std::string_view::npos;
}

// The encoding as RFC 3629 section 3 builds it, independent of the code under test.
std::string Encode(uint32_t code_point) {
  auto tail = [code_point](int shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) {
    return {static_cast<char>(0xE0 | code_point >> 12), tail(6), tail(0)};
  }
  return {static_cast<char>(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

// Every beginning of every code point's encoding, whole encodings included.
class Prefixes {
 public:
  Prefixes() {
    for (auto& level : known_) level.resize(size_t{1} << 24);
    for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
      if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
      const std::string bytes = Encode(code_point);
      for (size_t n = 1; n <= bytes.size(); ++n) Mark(bytes.substr(0, n));
    }
  }

  bool Contains(std::string_view bytes) const {
    // All leads of four bytes are F0 to F4, so three bits of the lead tell them apart.
    if (bytes.size() == 4 && (static_cast<uint8_t>(bytes[0]) & 0xF8) != 0xF0) return false;
    return known_[Level(bytes)][Key(bytes)];
  }

 private:
  static size_t Level(std::string_view bytes) {
    return bytes.size() < 4 ? bytes.size() : 4 + (static_cast<uint8_t>(bytes[0]) & 7);
  }
  static size_t Key(std::string_view bytes) {
    size_t key = 0;
    for (char byte : bytes) key = (key << 8 | static_cast<uint8_t>(byte)) & 0xFFFFFF;
    return key;
  }
  void Mark(const std::string& bytes) { known_[Level(bytes)][Key(bytes)] = true; }

  std::vector<bool> known_[12];
};

TEST(Utf8, AcceptsEveryCodePointInOnePieceAndByteByByte) {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    const std::string bytes = Encode(code_point);
    ASSERT_TRUE(IsValidUtf8(bytes)) << std::hex << code_point;
    ASSERT_EQ(RefusedAfter(bytes), std::string_view::npos) << std::hex << code_point;
  }
}

// Walks all strings of up to four bytes that begin with a viable one: each next byte must be taken
// if some code point goes on that way and refused at once if none does.
TEST(Utf8, RefusesExactlyTheFirstByteThatNoCodePointCouldContinueWith) {
  const Prefixes prefixes;
  std::vector<std::string> open = {""};
  while (!open.empty()) {
    const std::string prefix = open.back();
    open.pop_back();
    Utf8Validator at_prefix;
    ASSERT_TRUE(at_prefix.Feed(prefix));
    for (int byte = 0; byte < 256; ++byte) {
      const std::string longer = prefix + static_cast<char>(byte);
      const bool viable = prefixes.Contains(longer);
      Utf8Validator validator = at_prefix;
      ASSERT_EQ(validator.Feed({&longer.back(), 1}), viable) << testing::PrintToString(longer);
      Utf8Validator at_once;
      ASSERT_EQ(at_once.Feed(longer), viable) << testing::PrintToString(longer);
      ASSERT_EQ(at_once.Complete(), validator.Complete()) << testing::PrintToString(longer);
      if (viable && !validator.Complete()) open.push_back(longer);
      if (viable) continue;
      // With what would make it whole and enough behind that for the steps of several bytes.
      for (const std::string rest : {"", "\x80", "\x80\x80"}) {
        ASSERT_FALSE(IsValidUtf8(longer + rest + "and more")) << testing::PrintToString(longer);
      }
    }
  }
}

TEST(Utf8, FailsAtTheByteThatRfc3629RulesOut) {
  struct Case {
    std::string_view what;
    std::string_view bytes;
    size_t refused_after;
  };
  const Case cases[] = {
      {"continuation without a lead", "a\x80", 2},
      {"overlong form of two bytes", "\xC0", 1},
      {"overlong form of two bytes", "\xC1", 1},
      {"overlong form of three bytes", "\xE0\x80", 2},
      {"overlong form of three bytes, its last", "\xE0\x9F", 2},
      {"overlong form of four bytes", "\xF0\x80", 2},
      {"overlong form of four bytes, its last", "\xF0\x8F", 2},
      {"first surrogate", "\xED\xA0", 2},
      {"last surrogate", "\xED\xBF", 2},
      {"above U+10FFFF", "\xF4\x90", 2},
      {"lead of a code point that is too large", "\xF5", 1},
      {"lead of five bytes", "\xF8", 1},
      {"lead of six bytes", "\xFC", 1},
      {"FE", "\xFE", 1},
      {"FF", "\xFF", 1},
      {"lead where a continuation is due", "\xE4\xBD\xC3", 3},
      {"ASCII where a continuation is due", "\xF0\x9F\x98z", 4},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(RefusedAfter(c.bytes), c.refused_after);
    EXPECT_FALSE(IsValidUtf8(c.bytes));
    EXPECT_FALSE(IsValidUtf8(std::string(c.bytes) + "\x80 and more"));
  }
}

TEST(Utf8, IsNotCompleteInTheMiddleOfACodePoint) {
  for (std::string_view whole : {"\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80"}) {
    Utf8Validator validator;
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_TRUE(validator.Feed(whole.substr(i, 1)));
      EXPECT_EQ(validator.Complete(), i + 1 == whole.size());
    }
    EXPECT_FALSE(IsValidUtf8(whole.substr(0, whole.size() - 1)));
  }
}

TEST(Utf8, TakesTheEmptyText) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.Feed({}));
  EXPECT_TRUE(validator.Complete());
  EXPECT_TRUE(IsValidUtf8({}));
}

TEST(Utf8, StaysRefusedUntilReset) {
  Utf8Validator validator;
  EXPECT_FALSE(validator.Feed("\xFF"));
  EXPECT_FALSE(validator.Feed("fine"));
  EXPECT_FALSE(validator.Feed("\xBF"));
  EXPECT_FALSE(validator.Complete());
  validator.Reset();
  EXPECT_TRUE(validator.Feed("fine"));
  EXPECT_TRUE(validator.Complete());
}

// The steps of 16, 8 and 3 bytes must not step over a bad byte, wherever it lies.
TEST(Utf8, FindsABadByteAtEveryOffsetOfATextOfAnyLength) {
  for (std::string_view unit : {"x", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80"}) {
    std::string text;
    while (text.size() < 48) text += unit;
    for (size_t size = unit.size(); size <= text.size(); size += unit.size()) {
      std::string whole = text.substr(0, size);
      ASSERT_TRUE(IsValidUtf8(whole));
      for (size_t i = 0; i < size; ++i) {
        const char good = whole[i];
        whole[i] = '\xFF';
        ASSERT_FALSE(IsValidUtf8(whole)) << "size " << size << " offset " << i;
        whole[i] = good;
      }
    }
  }
}

TEST(Utf8, GivesTheSameAnswerHoweverTheTextIsSplit) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed =
      fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const std::string_view pieces[] = {"x",        "0123456789abcdef", "\xC3\xA9", "\xE4\xBD\xA0",
                                     "\xED\x9F", "\xF0\x9F\x98\x80", "\xE0\xA0", "\xF4\x8F"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t n = random() % 12; n > 0; --n) text += pieces[random() % std::size(pieces)];
    if (!text.empty() && random() % 2 == 0) text[random() % text.size()] ^= 1 << random() % 8;
    Utf8Validator split;
    size_t at = 0;
    bool valid = true;
    while (valid && at < text.size()) {
      const size_t n = 1 + random() % 9;
      valid = split.Feed(std::string_view(text).substr(at, n));
      at += n;
    }
    Utf8Validator whole;
    ASSERT_EQ(whole.Feed(text), valid) << "seed " << seed << testing::PrintToString(text);
    ASSERT_EQ(whole.Complete(), split.Complete()) << "seed " << seed;
    ASSERT_EQ(RefusedAfter(text) == std::string_view::npos, valid) << "seed " << seed;
  }
}

static_assert(sizeof(Utf8Validator) <= 4);

}  // namespace
}  // namespace longwire
