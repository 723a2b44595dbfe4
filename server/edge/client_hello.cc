#include "server/edge/client_hello.h"

#include <openssl/ssl3.h>

#include <cstddef>

#include "server/base/limits.h"

namespace longwire {

ClientHelloCheck CheckClientHello(std::string_view bytes) {
  constexpr size_t kRecordHeaderBytes = 5;   // type, version (2), length (2)
  constexpr size_t kMessageHeaderBytes = 4;  // type, length (3)
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.empty()) return ClientHelloCheck::kNeedMore;
  if (byte(0) != SSL3_RT_HANDSHAKE) return ClientHelloCheck::kRefused;
  if (bytes.size() < kRecordHeaderBytes) return ClientHelloCheck::kNeedMore;
  const size_t record_bytes = size_t{byte(3)} << 8 | byte(4);
  if (record_bytes < kMessageHeaderBytes || record_bytes > SSL3_RT_MAX_PLAIN_LENGTH) {
    return ClientHelloCheck::kRefused;
  }
  if (bytes.size() < kRecordHeaderBytes + kMessageHeaderBytes) return ClientHelloCheck::kNeedMore;
  const size_t message_bytes = size_t{byte(6)} << 16 | size_t{byte(7)} << 8 | byte(8);
  if (byte(5) != SSL3_MT_CLIENT_HELLO || message_bytes > kClientHelloBytesMax) {
    return ClientHelloCheck::kRefused;
  }
  return bytes.size() < kRecordHeaderBytes + record_bytes ? ClientHelloCheck::kNeedMore
                                                          : ClientHelloCheck::kComplete;
}

}  // namespace longwire
