#include "server/edge/forwarded.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/base/limits.h"

namespace longwire {
namespace {

constexpr std::string_view kBlanks = " \t";

// RFC 9110 5.6.2.
constexpr std::string_view kTokenCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
// RFC 7239 6.3: of a name that hides a port.
constexpr std::string_view kHiddenCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool IsEscaped(std::string_view text, size_t at) {
  const size_t before = text.substr(0, at).find_last_not_of('\\');
  return (before == std::string_view::npos ? at : at - before - 1) % 2 == 1;
}

// Cuts the last element off a list with commas, which count only outside of quoted strings.
//
// It reads backwards, so that what a proxy has added is found whatever stands before it: read from
// the front, a quote that the client opened and never closed would swallow it. Backwards, the quote
// that opens a string is the first that has an even number of backslashes before it.
std::string_view TakeLast(std::string_view& list) {
  bool is_quoted = false;
  size_t at = list.size();
  while (at > 0) {
    const char c = list[at - 1];
    if (c == ',' && !is_quoted) break;
    if (c == '"' && !(is_quoted && IsEscaped(list, at - 1))) is_quoted = !is_quoted;
    --at;
  }
  const std::string_view last = list.substr(at);
  list = list.substr(0, at == 0 ? 0 : at - 1);
  return Trimmed(last);
}

// Takes a value, in quotes or not, off the front. Nothing if there is none. Some proxies write
// [2001:db8::1]:80 without the quotes that it needs.
std::optional<std::string> TakeValue(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    value = text.substr(0, text.find_first_of("; \t\"\\"));
    text.remove_prefix(value.size());
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

// The node of RFC 7239 6 as an address. Its port may be hidden, "192.0.2.1:_a", and is none then.
std::optional<RemoteAddress> ParseNode(std::string_view node) {
  const size_t colon = node.find(":_");
  if (colon == std::string_view::npos) return RemoteAddress::Parse(node);
  const std::string_view host = node.substr(0, colon);
  const std::string_view hidden = node.substr(colon + 1);
  const bool has_other_port = !host.ends_with(']') && host.find(':') != std::string_view::npos;
  if (has_other_port || hidden.find_first_not_of(kHiddenCharacters) != std::string_view::npos) {
    return std::nullopt;
  }
  return RemoteAddress::Parse(host);
}

// What "for=" names in an element of Forwarded, or nothing if there is no such thing or the element
// is not of RFC 7239 4. Blanks around a semicolon are not either, but commonly written.
std::optional<RemoteAddress> ReadForwardedElement(std::string_view element) {
  std::optional<std::string> node;
  while (!element.empty()) {
    if (element.starts_with(';')) {
      element = Trimmed(element.substr(1));
      continue;
    }
    const size_t equals = element.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = element.substr(0, equals);
    element.remove_prefix(equals + 1);
    auto value = TakeValue(element);
    element = Trimmed(element);
    const bool is_pair = !name.empty() && value &&
                         name.find_first_not_of(kTokenCharacters) == std::string_view::npos &&
                         (element.empty() || element.starts_with(';'));
    if (!is_pair) return std::nullopt;
    if (!boost::beast::iequals(name, "for")) continue;
    if (node) return std::nullopt;
    node = std::move(value);
  }
  return node ? ParseNode(*node) : std::nullopt;
}

class Walk {
 public:
  Walk(const RemoteAddress& peer, std::span<const AddressRange> trusted)
      : current_(peer), trusted_(trusted) {}

  bool IsAtClient() const {
    return std::none_of(trusted_.begin(), trusted_.end(),
                        [this](const AddressRange& range) { return range.Contains(current_); });
  }

  // Walks the header, all repeats of it as one list. False if the request has no such header, or
  // nothing in it.
  bool Through(const HttpRequest& request, std::string_view name,
               std::optional<RemoteAddress> (*read)(std::string_view element)) {
    int hops = 0;
    for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
      if (!boost::beast::iequals(header->first, name)) continue;
      std::string_view list = header->second;
      while (!list.empty()) {
        const std::string_view element = TakeLast(list);
        // RFC 9110 5.6.1.2: empty elements are ignored.
        if (element.empty()) continue;
        if (IsAtClient() || hops == kForwardedHopsMax) return true;
        ++hops;
        const auto named = read(element);
        if (!named) return true;
        current_ = *named;
      }
    }
    return hops > 0;
  }

  const RemoteAddress& current() const { return current_; }

 private:
  RemoteAddress current_;
  const std::span<const AddressRange> trusted_;
};

}  // namespace

std::variant<RemoteAddress, ForwardedRefused> ClientAddress(const RemoteAddress& peer,
                                                            const HttpRequest& request,
                                                            std::span<const AddressRange> trusted) {
  Walk commonly(peer, trusted);
  if (commonly.IsAtClient()) return peer;
  Walk standardly(peer, trusted);
  const bool has_common = commonly.Through(request, "X-Forwarded-For", RemoteAddress::Parse);
  const bool has_standard = standardly.Through(request, "Forwarded", ReadForwardedElement);
  if (!has_common) return standardly.current();
  if (!has_standard) return commonly.current();
  const RemoteAddress& common = commonly.current();
  const RemoteAddress& standard = standardly.current();
  if (common.is_v6() != standard.is_v6() || common.Network(128) != standard.Network(128)) {
    return ForwardedRefused{
        "X-Forwarded-For and Forwarded name different clients: the proxy has to remove the one "
        "that it does not add to"};
  }
  return common.port() == 0 ? standard : common;
}

}  // namespace longwire
