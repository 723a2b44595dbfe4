// What people type, taken apart. Pure: no socket, no clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "longwire/v1/types.pb.h"

namespace longwire::client::cli {

// "250ms", "10s", "5m", "2h"; a bare number is seconds. nullopt for anything else, also for more
// than a year.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// One of enter, route, leave, in any case.
std::optional<v1::EventType> ParseEventType(std::string_view text);

// "name: value" or "name:value". nullopt without a colon, with an empty name, or with bytes that
// would end the header line.
std::optional<std::pair<std::string, std::string>> ParseHeader(std::string_view text);

struct WebSocketUrl {
  std::string host;    // without brackets, also for IPv6
  std::string port;    // "80" if the URL names none, "443" with TLS
  std::string target;  // path and query, "/" at least
  // What the Host header says: the URL's own form of host and port.
  std::string authority;
  bool is_tls = false;  // wss
};

// The URL, or one sentence for a person on why it will not do.
std::variant<WebSocketUrl, std::string> ParseWebSocketUrl(std::string_view text);

// What a close code means, in a few words: "duplicate login" for 4409; empty for one that neither
// the standard nor longwire gives a meaning.
std::string_view CloseCodeMeaning(unsigned code);

}  // namespace longwire::client::cli
