#pragma once

#include <cstdint>
#include <string_view>

namespace longwire {

enum class ClientHelloCheck : uint8_t { kNeedMore, kComplete, kRefused };

// Looks at the first bytes of a connection that has to speak TLS: do they begin with a whole record
// that holds a ClientHello (RFC 8446 5.1 and 4.1.2) of a size that clients send? Until it is there,
// no TLS needs to be made for the connection: OpenSSL takes 46 KB for one that has sent three
// bytes, and 160 KB if these announce the largest message. Pure; any bytes. Refuses as early as the
// bytes show it: no handshake record, no ClientHello, one of more than kClientHelloBytesMax.
ClientHelloCheck CheckClientHello(std::string_view bytes);

}  // namespace longwire
