#include "server/app/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "absl/status/status.h"

namespace longwire {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurationUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}, Unit{"", 1'000}};
constexpr double kKi = 1024;
constexpr double kMi = 1024 * 1024;
constexpr double kGi = 1024 * 1024 * 1024;
constexpr std::array kSizeUnits = {
    Unit{"GiB", kGi}, Unit{"MiB", kMi}, Unit{"KiB", kKi}, Unit{"B", 1},   Unit{"GB", 1e9},
    Unit{"MB", 1e6},  Unit{"kB", 1e3},  Unit{"KB", 1e3},  Unit{"G", kGi}, Unit{"M", kMi},
    Unit{"K", kKi},   Unit{"k", kKi},   Unit{"", 1}};
// Beyond this a double does not tell neighbours apart; nothing configured here comes near.
constexpr double kValueMax = 9e15;

template <size_t N>
absl::StatusOr<double> ParseWithUnit(std::string_view text, const std::array<Unit, N>& units,
                                     std::string_view example) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error == std::errc() && std::isfinite(number) && number >= 0) {
    for (const Unit& known : units) {
      if (unit == known.name && number * known.factor <= kValueMax) return number * known.factor;
    }
  }
  return absl::InvalidArgumentError(fmt::format("\"{}\" is not like {}", text, example));
}

template <size_t N>
std::string FormatWithUnit(uint64_t value, const std::array<Unit, N>& units, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto factor = static_cast<uint64_t>(units[i].factor);
    if (value != 0 && value % factor == 0)
      return fmt::format("{}{}", value / factor, units[i].name);
  }
  return "0";
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  const auto millis = ParseWithUnit(text, kDurationUnits, "250ms, 10s, 5m or 1h");
  if (!millis.ok()) return millis.status();
  return std::llround(*millis);
}

absl::StatusOr<size_t> ParseSize(std::string_view text) {
  const auto bytes = ParseWithUnit(text, kSizeUnits, "65536, 64KiB or 256MiB");
  if (!bytes.ok()) return bytes.status();
  return static_cast<size_t>(std::llround(*bytes));
}

absl::StatusOr<int64_t> ParseDay(std::string_view text) {
  int year = 0;
  unsigned month = 0, day = 0;
  const char* const end = text.data() + text.size();
  const auto year_read = std::from_chars(text.data(), end, year);
  const auto month_read = std::from_chars(std::min(year_read.ptr + 1, end), end, month);
  const auto day_read = std::from_chars(std::min(month_read.ptr + 1, end), end, day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  const bool has_shape =
      text.size() == 10 && text[4] == '-' && text[7] == '-' && day_read.ptr == end;
  if (!has_shape || !date.ok()) {
    return absl::InvalidArgumentError(fmt::format("\"{}\" is no day like 2024-01-01", text));
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::sys_days(date).time_since_epoch())
      .count();
}

std::string FormatDuration(int64_t millis) {
  return FormatWithUnit(static_cast<uint64_t>(millis), kDurationUnits, 4);
}

std::string FormatSize(size_t bytes) {
  return FormatWithUnit(bytes, kSizeUnits, 4);
}

}  // namespace longwire
