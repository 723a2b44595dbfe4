#include "server/edge/origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/edge/address.h"

namespace longwire {
namespace {

constexpr std::string_view kSchemeEnd = "://";
constexpr std::string_view kAnything = "*";
constexpr std::string_view kNoOrigin = "null";

absl::Status Invalid(std::string_view why) {
  return absl::InvalidArgumentError(std::string(why));
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return lower;
}

bool IsLowerCaseLetter(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986 3.1, in lower case.
bool IsScheme(std::string_view text) {
  return !text.empty() && IsLowerCaseLetter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsLowerCaseLetter(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
         });
}

// A name in lower case, whose last label alone may be empty, or an IPv6 address in brackets.
// Browsers write names of other scripts as "xn--...".
bool IsHost(std::string_view text) {
  if (text.starts_with('[')) return text.ends_with(']') && RemoteAddress::Parse(text).has_value();
  const bool has_empty_label = text.starts_with('.') || text.find("..") != std::string_view::npos;
  return !text.empty() && !has_empty_label && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLowerCaseLetter(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
  });
}

bool IsDefaultPort(std::string_view scheme, uint16_t port) {
  return (scheme == "http" && port == 80) || (scheme == "https" && port == 443);
}

// The one spelling that all spellings of an origin have in common, or what is wrong with it.
absl::StatusOr<std::string> Canonical(std::string_view text) {
  std::string lower = LowerCase(text);
  const size_t scheme_bytes = lower.find(kSchemeEnd);
  if (scheme_bytes == std::string::npos) return Invalid("it has no scheme, like https://");
  const std::string_view scheme = std::string_view(lower).substr(0, scheme_bytes);
  if (!IsScheme(scheme)) return Invalid("its scheme is none like https");
  const std::string_view rest = std::string_view(lower).substr(scheme_bytes + kSchemeEnd.size());
  if (rest.find_first_of("/?#\\") != std::string_view::npos) {
    return Invalid("it has to end behind the host and the port, without a slash");
  }
  // The colons of an IPv6 address stand before its bracket.
  const size_t colon = rest.find(':', rest.starts_with('[') ? rest.find(']') : 0);
  const std::string_view host = rest.substr(0, colon);
  if (host.empty()) return Invalid("it has no host");
  if (!IsHost(host)) return Invalid("its host is neither a name nor an address like [2001:db8::1]");
  if (colon == std::string_view::npos) return lower;
  const auto port = ParsePort(rest.substr(colon + 1));
  if (!port || *port == 0) return Invalid("its port is no number from 1 to 65535");
  if (IsDefaultPort(scheme, *port)) lower.resize(lower.rfind(':'));
  return lower;
}

}  // namespace

absl::StatusOr<OriginPatterns> OriginPatterns::Parse(const std::vector<std::string>& patterns) {
  OriginPatterns parsed;
  parsed.allows_any_ = patterns.empty();
  for (const std::string& pattern : patterns) {
    if (const absl::Status status = parsed.Add(pattern); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" is no origin: {}", pattern, std::string(status.message())));
    }
  }
  return parsed;
}

absl::Status OriginPatterns::Add(std::string_view pattern) {
  if (pattern == kAnything) {
    allows_any_ = true;
    return absl::OkStatus();
  }
  if (pattern == kNoOrigin) {
    allows_null_ = true;
    return absl::OkStatus();
  }
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    auto origin = Canonical(pattern);
    if (!origin.ok()) return origin.status();
    exact_.insert(*std::move(origin));
    return absl::OkStatus();
  }
  const std::string_view begin = pattern.substr(0, star);
  const std::string_view behind = pattern.substr(star + 1);
  if (begin.find(kSchemeEnd) == std::string_view::npos) {
    return Invalid("it has no scheme, like https://");
  }
  if (behind.empty() || behind == "." || behind.starts_with(':') || behind.starts_with(".:")) {
    return Invalid("there is no domain behind the star");
  }
  if (!begin.ends_with(kSchemeEnd) || !behind.starts_with('.') || behind.starts_with(".[") ||
      behind.find('*') != std::string_view::npos) {
    return Invalid("a star may only stand for the first labels, like https://*.example.com");
  }
  auto domain = Canonical(fmt::format("{}{}", begin, behind.substr(1)));
  if (!domain.ok()) return domain.status();
  stars_.push_back({domain->substr(0, begin.size()), "." + domain->substr(begin.size())});
  return absl::OkStatus();
}

bool OriginPatterns::Allows(std::string_view origin) const {
  if (allows_any_) return true;
  if (origin == kNoOrigin) return allows_null_;
  const auto canonical = Canonical(origin);
  if (!canonical.ok()) return false;
  if (exact_.contains(*canonical)) return true;
  // The canonical origin has a host and nothing else between the scheme and the port, so what is
  // left between the two ends are labels of it.
  return std::any_of(stars_.begin(), stars_.end(), [&](const StarPattern& pattern) {
    return canonical->size() > pattern.begin.size() + pattern.end.size() &&
           canonical->starts_with(pattern.begin) && canonical->ends_with(pattern.end);
  });
}

}  // namespace longwire
