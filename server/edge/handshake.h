#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "longwire/v1/types.pb.h"
#include "server/base/metrics.h"
#include "server/edge/http.h"
#include "server/edge/origin.h"

namespace longwire {

// What of the options the handshake goes by.
struct HandshakeRules {
  std::string ws_path = "/";
  std::vector<std::string> subprotocols;
  OriginPatterns origins;  // Of pages; a client that is no browser has none and is let in.
};

// A request that may become a WebSocket connection (RFC 6455 4.2.1).
struct Upgrade {
  // What the Authenticator is shown: all headers and the whole query. Every string is UTF-8.
  v1::Enter handshake;
  std::string accept;  // Sec-WebSocket-Accept
};

struct UpgradeRefused {
  AdmissionRefusal reason;
  HttpAnswer answer;
};

// Decides whether a request may be upgraded. Pure: any request, no I/O.
//
// 403: an Origin that is not among the allowed ones, or more than one. 400: not GET, HTTP/1.0, a
// body, no or several Host or Sec-WebSocket-Key, a key that is not 16 bytes, a target that is no
// path, or anything that is not UTF-8. 404: outside ws_path. 417: Expect. 426: no upgrade to
// websocket asked for, or a version other than 13.
std::variant<Upgrade, UpgradeRefused> CheckUpgrade(const HttpRequest& request,
                                                   const HandshakeRules& rules);

// The 101 that accepts it.
std::string FormatSwitchingProtocols(const Upgrade& upgrade);

// What ENTER shows of a handshake: without Authorization, Cookie, Proxy-Authorization and
// Sec-WebSocket-*, and with `token` cut from the query. The secrets stay with the Authenticator.
v1::Enter WithoutSecrets(v1::Enter handshake);

// The path and the query of a request target in origin or absolute form (RFC 9112 3.2). False for
// anything else.
bool SplitTarget(std::string_view target, std::string_view& path, std::string_view& query);

// 503 with Retry-After: the client did nothing wrong and may come again.
HttpAnswer TryAgainLater(std::string_view text);

}  // namespace longwire
