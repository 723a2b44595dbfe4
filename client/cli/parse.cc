#include "client/cli/parse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace longwire::client::cli {

using std::chrono::milliseconds;

namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

bool IsPort(std::string_view text) {
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && stop == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool HasControlOrSpace(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
}

// The text between scheme and path, split into host and port. False: malformed.
bool SplitAuthority(std::string_view authority, WebSocketUrl* url) {
  std::string_view port = url->is_tls ? "443" : "80";
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url->host = authority.substr(1, end - 1);
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return false;
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const size_t colon = authority.find(':');
    url->host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  url->port = port;
  url->authority = authority;
  return !url->host.empty() && IsPort(port);
}

}  // namespace

std::optional<milliseconds> ParseDuration(std::string_view text) {
  constexpr int64_t kYearMillis = int64_t{365} * 24 * 3600 * 1000;
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit(stop, end - stop);
  int64_t millis = 0;
  if (unit == "ms") {
    millis = 1;
  } else if (unit.empty() || unit == "s") {
    millis = 1000;
  } else if (unit == "m") {
    millis = 60 * 1000;
  } else if (unit == "h") {
    millis = 3600 * 1000;
  } else {
    return std::nullopt;
  }
  if (number > kYearMillis / millis) return std::nullopt;
  return milliseconds(number * millis);
}

std::optional<v1::EventType> ParseEventType(std::string_view text) {
  const std::string word = Lower(text);
  if (word == "enter") return v1::EVENT_TYPE_ENTER;
  if (word == "route") return v1::EVENT_TYPE_ROUTE;
  if (word == "leave") return v1::EVENT_TYPE_LEAVE;
  return std::nullopt;
}

std::optional<std::pair<std::string, std::string>> ParseHeader(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view name = text.substr(0, colon);
  std::string_view value = text.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (HasControlOrSpace(name)) return std::nullopt;
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos) return std::nullopt;
  return std::pair(std::string(name), std::string(value));
}

std::variant<WebSocketUrl, std::string> ParseWebSocketUrl(std::string_view text) {
  const size_t scheme_end = text.find("://");
  const std::string scheme = Lower(text.substr(0, scheme_end));
  if (scheme_end == std::string_view::npos || (scheme != "ws" && scheme != "wss")) {
    return "the URL must begin with ws:// or wss://, e.g. ws://127.0.0.1:8080/";
  }
  text.remove_prefix(scheme_end + 3);
  if (HasControlOrSpace(text)) return "the URL has a space or a control character in it";
  if (text.find('#') != text.npos) return "a WebSocket URL must not have a fragment (#...)";
  const size_t path = std::min(text.find_first_of("/?"), text.size());
  WebSocketUrl url{.is_tls = scheme == "wss"};
  if (!SplitAuthority(text.substr(0, path), &url)) {
    return "the URL needs a host and, if any, a port of 1 to 65535, e.g. ws://127.0.0.1:8080/";
  }
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(url.target.begin(), '/');
  return url;
}

std::string_view CloseCodeMeaning(unsigned code) {
  switch (code) {
    case 1000:
      return "normal";
    case 1001:
      return "going away: the gateway is shutting down";
    case 1002:
      return "protocol error";
    case 1003:
      return "unsupported data";
    case 1005:
      return "no code given";
    case 1006:
      return "connection lost without a close frame";
    case 1007:
      return "text was not UTF-8";
    case 1008:
      return "policy or rate limit";
    case 1009:
      return "message too big";
    case 1011:
      return "internal error";
    case 1012:
      return "restart: connect again";
    case 1013:
      return "overloaded or too slow: try again later";
    case 4401:
      return "not authenticated";
    case 4403:
      return "forbidden";
    case 4408:
      return "authentication took too long";
    case 4409:
      return "the same user logged in elsewhere";
    default:
      return "";
  }
}

}  // namespace longwire::client::cli
