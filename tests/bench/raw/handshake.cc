#include "tests/bench/raw/handshake.h"

#include <openssl/evp.h>
#include <strings.h>

#include <algorithm>

namespace longwire::bench {
namespace {

constexpr std::string_view kKeyHeader = "sec-websocket-key:";
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3.

std::string_view KeyOf(std::string_view request) {
  while (!request.empty()) {
    const size_t end = std::min(request.find("\r\n"), request.size());
    const std::string_view line = request.substr(0, end);
    request.remove_prefix(std::min(end + 2, request.size()));
    if (line.size() < kKeyHeader.size() ||
        strncasecmp(line.data(), kKeyHeader.data(), kKeyHeader.size()) != 0) {
      continue;
    }
    const std::string_view value = line.substr(kKeyHeader.size());
    const size_t first = value.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return value.substr(first, value.find_last_not_of(' ') + 1 - first);
  }
  return {};
}

}  // namespace

std::string AnswerHandshake(std::string_view request) {
  const std::string_view key = KeyOf(request);
  if (key.empty()) return {};
  const std::string text = std::string(key).append(kGuid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &digest_bytes, EVP_sha1(), nullptr);
  unsigned char accept[64];
  EVP_EncodeBlock(accept, digest, static_cast<int>(digest_bytes));
  std::string out =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  out += reinterpret_cast<const char*>(accept);
  out += "\r\n\r\n";
  return out;
}

}  // namespace longwire::bench
