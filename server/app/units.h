#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace longwire {

// "250ms", "10s", "1.5m", "1h"; a bare number is seconds. In milliseconds.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);
// "65536", "64KiB", "1MiB", "2GB"; K, M and G without "iB" or "B" are powers of 1024. In bytes.
absl::StatusOr<size_t> ParseSize(std::string_view text);
// A day, "2024-01-01", as milliseconds since 1970 of its beginning in UTC.
absl::StatusOr<int64_t> ParseDay(std::string_view text);

// The shortest of the above that means the same.
std::string FormatDuration(int64_t millis);
std::string FormatSize(size_t bytes);

}  // namespace longwire
