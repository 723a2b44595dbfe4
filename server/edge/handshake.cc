#include "server/edge/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <charconv>
#include <optional>

#include "server/base/limits.h"
#include "server/base/utf8.h"

namespace longwire {
namespace {

constexpr std::string_view kWebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr size_t kKeyBase64Bytes = 24;                                               // 16 bytes

// The name of a query's pair with its percent escapes undone: %74oken is token to whoever parses
// it.
std::string DecodedName(std::string_view pair) {
  const std::string_view name = pair.substr(0, pair.find('='));
  std::string decoded;
  for (size_t i = 0; i < name.size(); ++i) {
    uint8_t byte = 0;
    const char* const digits = name.data() + i + 1;
    if (name[i] == '%' && i + 2 < name.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      decoded.push_back(name[i]);
    }
  }
  return decoded;
}

UpgradeRefused BadRequest(std::string text) {
  return {AdmissionRefusal::kBadRequest, HttpAnswer{.status = 400, .body = std::move(text) + "\n"}};
}

UpgradeRefused UpgradeRequired(std::string text) {
  return {AdmissionRefusal::kUpgradeRequired,
          HttpAnswer{.status = 426,
                     .body = std::move(text) + "\n",
                     .headers = {{"Upgrade", "websocket"},
                                 {"Connection", "Upgrade"},
                                 {"Sec-WebSocket-Version", "13"}}}};
}

// RFC 6455 4.1: the base64 of 16 bytes, which is 22 digits and "==".
bool IsWebSocketKey(std::string_view key) {
  if (key.size() != kKeyBase64Bytes || key.find('=') != kKeyBase64Bytes - 2 ||
      !key.ends_with("==")) {
    return false;
  }
  unsigned char decoded[18];
  return EVP_DecodeBlock(decoded, reinterpret_cast<const unsigned char*>(key.data()),
                         static_cast<int>(key.size())) == sizeof(decoded);
}

std::string AcceptFor(std::string_view key) {
  std::string text(key);
  text.append(kWebSocketGuid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  // Found once: EVP_sha1() is looked for anew in each call of EVP_Digest.
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  EVP_Digest(text.data(), text.size(), digest, &digest_bytes, sha1, nullptr);
  unsigned char encoded[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(digest_bytes));
  return std::string(reinterpret_cast<char*>(encoded), static_cast<size_t>(length));
}

bool HasBody(const HttpRequest& request) {
  if (request.Find("Transfer-Encoding") != nullptr) return true;
  const std::string* length = request.Find("Content-Length");
  return length != nullptr && length->find_first_not_of('0') != std::string::npos;
}

// What is wrong with the request as HTTP, before anything of WebSocket is looked at.
std::optional<UpgradeRefused> CheckHttp(const HttpRequest& request) {
  if (request.Find("Expect") != nullptr) {
    return UpgradeRefused{AdmissionRefusal::kExpectation,
                          HttpAnswer{.status = 417, .body = "No expectation can be met here.\n"}};
  }
  if (request.version != 11) return BadRequest("WebSocket needs HTTP/1.1.");
  if (request.method != "GET") return BadRequest("Only GET is answered here.");
  if (HasBody(request)) return BadRequest("A handshake has no body.");
  if (request.Count("Host") != 1) return BadRequest("There has to be exactly one Host header.");
  if (!IsValidUtf8(request.target)) return BadRequest("The request target is not valid UTF-8.");
  for (const auto& [name, value] : request.headers) {
    if (!IsValidUtf8(value)) return BadRequest("The header " + name + " is not valid UTF-8.");
  }
  return std::nullopt;
}

bool IsUnder(std::string_view path, std::string_view root) {
  if (root.ends_with('/')) root.remove_suffix(1);
  if (!path.starts_with(root)) return false;
  return path.size() == root.size() || path[root.size()] == '/';
}

// The client's first that is spoken here, else none (RFC 6455 4.2.2).
std::string ChooseSubprotocol(const HttpRequest& request, const std::vector<std::string>& spoken) {
  for (const auto& [name, value] : request.headers) {
    if (!boost::beast::iequals(name, "Sec-WebSocket-Protocol")) continue;
    for (const auto offered : boost::beast::http::token_list(value)) {
      const auto found = std::find(spoken.begin(), spoken.end(), std::string_view(offered));
      if (found != spoken.end()) return *found;
    }
  }
  return {};
}

// RFC 6455 10.2. Browsers always send one; it is for them that the list is, since their cookies
// and their user's place in the network are what another page could abuse.
bool IsOriginAllowed(const HttpRequest& request, const OriginPatterns& allowed) {
  const size_t count = request.Count("Origin");
  if (count == 0 || allowed.allows_any()) return true;
  return count == 1 && allowed.Allows(*request.Find("Origin"));
}

v1::Enter DescribeHandshake(const HttpRequest& request, std::string_view path,
                            std::string_view query) {
  v1::Enter enter;
  enter.set_path(std::string(path));
  enter.set_query(std::string(query));
  auto& headers = *enter.mutable_headers();
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
    std::string& joined = headers[lower];
    if (!joined.empty()) joined.append(", ");
    joined.append(value);
  }
  return enter;
}

}  // namespace

bool SplitTarget(std::string_view target, std::string_view& path, std::string_view& query) {
  if (!target.starts_with('/')) {
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return false;
    const size_t slash = target.find_first_of("/?", scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
    if (!target.starts_with('/')) return false;
  }
  // RFC 6455 3: fragments have no meaning here and must not be sent.
  if (target.find('#') != std::string_view::npos) return false;
  const size_t question = target.find('?');
  path = target.substr(0, question);
  query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  return true;
}

std::variant<Upgrade, UpgradeRefused> CheckUpgrade(const HttpRequest& request,
                                                   const HandshakeRules& rules) {
  if (auto refused = CheckHttp(request)) return *std::move(refused);
  std::string_view path, query;
  if (!SplitTarget(request.target, path, query)) {
    return BadRequest("The request target is not a path.");
  }
  if (!IsUnder(path, rules.ws_path)) {
    return UpgradeRefused{AdmissionRefusal::kNotFound,
                          HttpAnswer{.status = 404, .body = "Nothing is served at this path.\n"}};
  }
  if (!request.HasToken("Upgrade", "websocket") || !request.HasToken("Connection", "upgrade")) {
    return UpgradeRequired("This is a WebSocket endpoint: connect with a WebSocket client.");
  }
  const std::string* version = request.Find("Sec-WebSocket-Version");
  if (version == nullptr || *version != "13" || request.Count("Sec-WebSocket-Version") != 1) {
    return UpgradeRequired("Only version 13 of the WebSocket protocol is spoken here.");
  }
  const std::string* key = request.Find("Sec-WebSocket-Key");
  if (request.Count("Sec-WebSocket-Key") != 1 || !IsWebSocketKey(*key)) {
    return BadRequest("There has to be exactly one Sec-WebSocket-Key, of 16 bytes in base64.");
  }
  if (!IsOriginAllowed(request, rules.origins)) {
    return UpgradeRefused{
        AdmissionRefusal::kOrigin,
        HttpAnswer{.status = 403, .body = "Pages of this origin may not connect here.\n"}};
  }
  Upgrade upgrade{.handshake = DescribeHandshake(request, path, query), .accept = AcceptFor(*key)};
  upgrade.handshake.set_subprotocol(ChooseSubprotocol(request, rules.subprotocols));
  return upgrade;
}

std::string FormatSwitchingProtocols(const Upgrade& upgrade) {
  std::string out =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  out.append(upgrade.accept);
  if (!upgrade.handshake.subprotocol().empty()) {
    out.append("\r\nSec-WebSocket-Protocol: ").append(upgrade.handshake.subprotocol());
  }
  return out.append("\r\n\r\n");
}

v1::Enter WithoutSecrets(v1::Enter handshake) {
  auto& headers = *handshake.mutable_headers();
  for (auto header = headers.begin(); header != headers.end();) {
    const std::string& name = header->first;
    const bool is_hidden = name == "authorization" || name == "cookie" ||
                           name == "proxy-authorization" || name.starts_with("sec-websocket-");
    header = is_hidden ? headers.erase(header) : std::next(header);
  }
  std::string kept;
  std::string_view rest = handshake.query();
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (DecodedName(pair) == "token") continue;
    if (!kept.empty()) kept += '&';
    kept.append(pair);
  }
  handshake.set_query(std::move(kept));
  return handshake;
}

HttpAnswer TryAgainLater(std::string_view text) {
  return {.status = 503,
          .body = std::string(text) + "\n",
          .headers = {{"Retry-After", std::to_string(kRetryAfterSeconds)}}};
}

}  // namespace longwire
