#pragma once

#include <span>
#include <string>
#include <variant>

#include "server/edge/address.h"
#include "server/edge/http.h"

namespace longwire {

// Nobody can tell who the client is. The text is for the answer and the log.
struct ForwardedRefused {
  std::string text;
};

// Who sent the request that came from `peer`, behind any number of trusted HTTP proxies. Pure; any
// request.
//
// The headers of a peer that is not trusted do not count. A trusted one has added to the end of
// X-Forwarded-For, or of Forwarded (RFC 7239), who it got the request from; if that one is trusted
// too, what stands before it is its word, and so on. So the lists are walked from their end, and
// the first address that is not trusted is the client; without one it is the first of the list.
// What stands before the client's address is whatever the client made up, and is not looked at. An
// entry that is no IP address ("unknown", "_hidden", a name) ends the walk at the last address that
// is known, and so do kForwardedHopsMax entries.
//
// A request that has both headers is refused when they name different addresses: a proxy adds to
// one of them and passes the other on as the client wrote it, so that to choose one would be to let
// the client choose who it is. A header that names nobody stands for `peer` here.
//
// The port is 0 unless the header has one.
std::variant<RemoteAddress, ForwardedRefused> ClientAddress(const RemoteAddress& peer,
                                                            const HttpRequest& request,
                                                            std::span<const AddressRange> trusted);

}  // namespace longwire
