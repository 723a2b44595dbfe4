#include "server/app/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace longwire {
namespace {

TEST(ParseDuration, TakesNumbersWithUnitsAndBareSeconds) {
  const std::pair<const char*, int64_t> rows[] = {
      {"250ms", 250},
      {"10s", 10'000},
      {"5m", 300'000},
      {"1h", 3'600'000},
      {"0", 0},
      {"0s", 0},
      {"3", 3'000},
      {"1.5m", 90'000},
      {"0.25", 250},
      {"0.5ms", 1},
      {"1e3", 1'000'000},
      {"24h", 86'400'000},
      {"8760h", 31'536'000'000},
  };
  for (const auto& [text, millis] : rows) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, millis) << text;
  }
}

TEST(ParseDuration, RefusesWhatIsNoDurationAndRepeatsIt) {
  for (const char* text :
       {"",     "s",   "ms",    "ten",  "10 s", " 10s", "10s ", "10sec",  "10S",   "1d", "-1s",
        "--1s", "+1s", "1h30m", "0x10", "inf",  "nan",  "infs", "1e300h", "1e400", "."}) {
    const auto parsed = ParseDuration(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.status().message().find("\"" + std::string(text) + "\""), std::string::npos);
  }
}

TEST(ParseSize, TakesBytesAndBothKindsOfUnits) {
  const std::pair<const char*, size_t> rows[] = {
      {"0", 0},
      {"65536", 65'536},
      {"7B", 7},
      {"64KiB", 65'536},
      {"1MiB", 1'048'576},
      {"2GiB", size_t{2} << 30},
      {"1kB", 1'000},
      {"1KB", 1'000},
      {"3MB", 3'000'000},
      {"2GB", 2'000'000'000},
      {"1K", 1'024},
      {"1k", 1'024},
      {"1M", 1'048'576},
      {"1G", size_t{1} << 30},
      {"1.5KiB", 1'536},
  };
  for (const auto& [text, bytes] : rows) {
    const auto parsed = ParseSize(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "KiB", "64 KiB", "64kib", "64Ki", "1T", "-1", "1KiBs", "inf", "1e30"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(ParseDay, TakesADayOfTheCalendar) {
  const std::pair<const char*, int64_t> rows[] = {
      {"1970-01-01", 0},
      {"1970-01-02", 86'400'000},
      {"2024-01-01", 1'704'067'200'000},
      {"2024-02-29", 1'709'164'800'000},
      {"2000-02-29", 951'782'400'000},
      {"2038-01-20", 2'147'558'400'000},
  };
  for (const auto& [text, millis] : rows) {
    const auto parsed = ParseDay(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, millis) << text;
  }
}

TEST(ParseDay, RefusesWhatIsNoDay) {
  for (const char* text :
       {"", "2024", "2024-01", "2024-1-1", "2024-13-01", "2024-00-01", "2023-02-29", "2100-02-29",
        "2024-04-31", "2024-01-00", "2024/01/01", "01-01-2024", "2024-01-01Z", " 2024-01-01",
        "2024--1-01", "2024-01--1", "yyyy-mm-dd"}) {
    EXPECT_FALSE(ParseDay(text).ok()) << text;
  }
}

TEST(FormatDuration, IsTheShortestThatMeansTheSame) {
  EXPECT_EQ(FormatDuration(0), "0");
  EXPECT_EQ(FormatDuration(1), "1ms");
  EXPECT_EQ(FormatDuration(1'500), "1500ms");
  EXPECT_EQ(FormatDuration(10'000), "10s");
  EXPECT_EQ(FormatDuration(90'000), "90s");
  EXPECT_EQ(FormatDuration(300'000), "5m");
  EXPECT_EQ(FormatDuration(7'200'000), "2h");
}

TEST(FormatSize, IsTheShortestThatMeansTheSame) {
  EXPECT_EQ(FormatSize(0), "0");
  EXPECT_EQ(FormatSize(1'000), "1000B");
  EXPECT_EQ(FormatSize(1'024), "1KiB");
  EXPECT_EQ(FormatSize(1'536), "1536B");
  EXPECT_EQ(FormatSize(256 << 20), "256MiB");
  EXPECT_EQ(FormatSize(size_t{3} << 30), "3GiB");
}

TEST(Units, WhatIsFormattedIsParsedBack) {
  for (int64_t value = 0; value < 5'000'000'000; value = value * 3 + 1) {
    EXPECT_EQ(*ParseDuration(FormatDuration(value)), value);
    EXPECT_EQ(*ParseSize(FormatSize(static_cast<size_t>(value))), static_cast<size_t>(value));
  }
}

}  // namespace
}  // namespace longwire
