#include "server/api/page_token.h"

#include <fmt/format.h>

#include <charconv>

#include "server/core/hash.h"

namespace longwire {
namespace {

constexpr size_t kIdDigits = 16;

}  // namespace

std::string FormatPageToken(SessionId last, std::string_view filter) {
  std::string token = fmt::format("{:0{}x}", last, kIdDigits);
  token += fmt::format("{:016x}", Fnv1a(fmt::format("{} {}", token, filter)));
  return token;
}

std::optional<SessionId> ParsePageToken(std::string_view token, std::string_view filter) {
  const std::string_view digits = token.substr(0, kIdDigits);
  SessionId last = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), last, 16);
  if (error != std::errc() || last <= 0) return std::nullopt;
  // Whatever else could be written for the same ID is not the same token.
  if (token != FormatPageToken(last, filter)) return std::nullopt;
  return last;
}

}  // namespace longwire
