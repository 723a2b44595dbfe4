#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/edge/address.h"

namespace longwire {

// What a load balancer puts before the first byte of the connection that it forwards, in version 1
// (a line of text) or 2 (binary) of the PROXY protocol:
// https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt. Sections below are that document's.
struct ProxyHeader {
  size_t bytes = 0;  // How many of the input it took; what follows is the client's.
  // Unset: the connection's own address counts. The balancer speaks for itself (LOCAL: a health
  // check), or does not know the client (UNKNOWN, UNSPEC), or that has no IP address (AF_UNIX).
  std::optional<RemoteAddress> client;
};

struct ProxyNeedMore {};

// These bytes are no header, and no bytes that could follow would make them one. The text says what
// is wrong and quotes nothing of them.
struct ProxyRefused {
  std::string text;
};

// Reads the header from all that came of a connection so far. Pure; bytes are refused as early as
// they are known to be wrong. ProxyNeedMore only comes for less than kProxyHeaderBytesMax bytes.
//
// A header for datagrams is refused although section 2.2 would let us ignore it: whoever sends one
// before a TCP stream is set up for something else.
std::variant<ProxyNeedMore, ProxyHeader, ProxyRefused> ReadProxyHeader(std::string_view bytes);

}  // namespace longwire
