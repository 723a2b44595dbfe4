#include "server/auth/jwt_source.h"

#include <fmt/format.h>

#include <boost/beast/core/string.hpp>
#include <cstddef>
#include <optional>
#include <utility>

#include "server/base/percent.h"
#include "server/protocol/command.h"

namespace longwire {
namespace {

// Nothing, a token, or why the client is refused for it.
using Found = std::variant<std::monostate, std::string, JwtRefused>;

JwtRefused Malformed(std::string_view why) {
  return {fmt::format("TOKEN_MALFORMED: {}", why)};
}

JwtRefused Missing(std::string_view why) {
  return {fmt::format("TOKEN_MISSING: {}", why)};
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// Cuts `rest` at the first `separator` and gives what was before it.
std::string_view TakePiece(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

// What stands behind "Bearer", if credentials are of this scheme.
std::optional<std::string_view> AfterBearer(std::string_view credentials) {
  constexpr std::string_view kScheme = "bearer";
  credentials = Trim(credentials);
  if (!boost::beast::iequals(credentials.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  credentials.remove_prefix(kScheme.size());
  if (!credentials.empty() && credentials.front() != ' ' && credentials.front() != '\t') {
    return std::nullopt;
  }
  return Trim(credentials);
}

Found FindInAuthorization(const v1::Enter& handshake) {
  const auto header = handshake.headers().find("authorization");
  if (header == handshake.headers().end()) return {};
  // The repeats of a header are joined with commas, which no token has.
  std::optional<std::string_view> token;
  for (std::string_view rest = header->second; !rest.empty();) {
    if (const auto found = AfterBearer(TakePiece(rest, ','))) token = found;
  }
  if (!token) return {};
  if (header->second.find(',') != std::string::npos) {
    return Malformed("there is more than one Authorization");
  }
  if (token->empty()) return Malformed("there is no token behind Bearer");
  return std::string(*token);
}

Found FindInQuery(const v1::Enter& handshake) {
  std::optional<std::string> token;
  for (std::string_view rest = handshake.query(); !rest.empty();) {
    std::string_view value = TakePiece(rest, '&');
    if (PercentDecode(TakePiece(value, '=')) != "token") continue;
    if (token) return Malformed("there is more than one token in the query");
    token = PercentDecode(value);
  }
  if (!token || token->empty()) return {};
  return *std::move(token);
}

Found FindInCookie(const v1::Enter& handshake, std::string_view name) {
  const auto header = handshake.headers().find("cookie");
  if (name.empty() || header == handshake.headers().end()) return {};
  std::optional<std::string_view> token;
  for (std::string_view rest = header->second; !rest.empty();) {
    std::string_view value = TakePiece(rest, ';');
    if (Trim(TakePiece(value, '=')) != name) continue;
    value = Trim(value);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    // A page of a sibling domain can put a cookie of its own before the right one.
    if (token && *token != value) return Malformed("there is more than one cookie of that name");
    token = value;
  }
  if (!token || token->empty()) return {};
  return std::string(*token);
}

}  // namespace

std::variant<std::string, JwtRefused> FindToken(const v1::Enter& handshake,
                                                std::string_view cookie) {
  Found header = FindInAuthorization(handshake);
  Found query = FindInQuery(handshake);
  for (Found* found : {&header, &query}) {
    if (auto* refused = std::get_if<JwtRefused>(found)) return std::move(*refused);
  }
  auto* in_header = std::get_if<std::string>(&header);
  auto* in_query = std::get_if<std::string>(&query);
  if (in_header != nullptr && in_query != nullptr && *in_header != *in_query) {
    return Malformed("Authorization and the query have different tokens");
  }
  if (in_header != nullptr) return std::move(*in_header);
  if (in_query != nullptr) return std::move(*in_query);
  Found in_cookie = FindInCookie(handshake, cookie);
  if (auto* refused = std::get_if<JwtRefused>(&in_cookie)) return std::move(*refused);
  if (auto* token = std::get_if<std::string>(&in_cookie)) return std::move(*token);
  return Missing(cookie.empty() ? "there is no token in Authorization or the query"
                                : "there is no token in Authorization, the query or the cookie");
}

std::variant<std::string_view, JwtRefused> FindToken(MessageView message, bool is_command) {
  if (message.type != MessageType::kText) return Malformed("a token comes as text, not as binary");
  std::string_view token = message.body;
  if (is_command) {
    const Command command = SplitCommand(message.body);
    if (command.type != "auth") return Missing("the first command has to be auth, with a token");
    token = command.body;
  }
  token = Trim(token);
  if (token.empty()) return Missing("there is no token in the message");
  return token;
}

bool ShowsToken(MessageView message, bool is_command) {
  if (is_command) return SplitCommand(message.body).type == "auth";
  return message.type == MessageType::kText;
}

}  // namespace longwire
