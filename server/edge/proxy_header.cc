#include "server/edge/proxy_header.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "server/base/limits.h"

namespace longwire {
namespace {

using Result = std::variant<ProxyNeedMore, ProxyHeader, ProxyRefused>;

// Section 2.1: the longest line, with its CRLF.
constexpr size_t kLineBytesMax = 107;
constexpr std::string_view kLineBegin = "PROXY ";
constexpr std::string_view kUnknown = "UNKNOWN";

// Section 2.2: the signature, then the version and the command, the family and the transport, and
// the length of the rest in two bytes.
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedBytes = 16;
constexpr int kVersion = 2;
enum Command : uint8_t { kLocal = 0, kProxy = 1 };
enum Family : uint8_t { kUnspecified = 0, kIpv4 = 1, kIpv6 = 2, kUnix = 3 };
enum Transport : uint8_t { kNoTransport = 0, kStream = 1, kDatagram = 2 };
// Of both addresses and both ports, by family.
constexpr std::array<size_t, 4> kAddressBytes = {0, 12, 36, 216};

enum class Side : bool { kSource, kDestination };

const char* NameOf(Side side) {
  return side == Side::kSource ? "source" : "destination";
}

bool IsAddress(std::string_view text, bool is_v6) {
  // RemoteAddress also takes a port, which the line must not have there.
  if (is_v6) return RemoteAddress::Parse(fmt::format("[{}]", text)).has_value();
  return text.find(':') == std::string_view::npos && RemoteAddress::Parse(text).has_value();
}

// Whether something could follow that makes it an address: whatever is the beginning of one, one of
// these endings completes it.
bool BeginsAddress(std::string_view text, bool is_v6) {
  static constexpr std::array<std::string_view, 10> kEndings = {
      "", "0", "::", ":", "0.0.0.0", ".0.0.0", "0.0.0", ".0.0", "0.0", ".0"};
  if (text.size() >= INET6_ADDRSTRLEN) return false;
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
    return IsAddress(std::string(text).append(ending), is_v6);
  });
}

// A port's text in a line that goes on may be empty, and is a port at every length.
bool BeginsPort(std::string_view text) {
  return text.empty() || ParsePort(text).has_value();
}

// The fields behind "PROXY ", one after the other. A field is whole when a blank or the line's end
// stands behind it.
class LineReader {
 public:
  LineReader(std::string_view line, bool has_end) : rest_(line), has_end_(has_end) {}

  // What is wrong with the line as far as it came, or nothing.
  std::optional<std::string> Read() {
    if (!ReadFamily() || !ReadAddress(Side::kSource, client_text_)) return refusal_;
    std::string_view ignored;
    if (!ReadAddress(Side::kDestination, ignored)) return refusal_;
    if (!ReadPort(Side::kSource, &client_port_)) return refusal_;
    uint16_t ignored_port = 0;
    ReadPort(Side::kDestination, &ignored_port);
    return refusal_;
  }

  // REQUIRES: Read() found nothing wrong, and the line has its end.
  std::optional<RemoteAddress> client() const {
    if (is_unknown_) return std::nullopt;
    return RemoteAddress::Parse(is_v6_ ? fmt::format("[{}]:{}", client_text_, client_port_)
                                       : fmt::format("{}:{}", client_text_, client_port_));
  }

 private:
  struct Field {
    std::string_view text;
    bool is_whole;
  };

  Field TakeField() {
    const size_t blank = rest_.find(' ');
    const bool has_blank = blank != std::string_view::npos;
    const Field field{rest_.substr(0, blank), has_blank || has_end_};
    rest_.remove_prefix(has_blank ? blank + 1 : rest_.size());
    is_at_end_ = !has_blank;
    return field;
  }

  bool Refuse(std::string text) {
    refusal_ = std::move(text);
    return false;
  }

  // These are true when the next field is to be read, and false when there is none or the line is
  // refused.
  bool GoOn(bool is_last) {
    if (is_at_end_ && has_end_ && !is_last) return Refuse("the PROXY line ends too early");
    if (!is_at_end_ && is_last) return Refuse("the PROXY line goes on behind its ports");
    return !is_at_end_;
  }

  bool ReadFamily() {
    const Field field = TakeField();
    is_unknown_ = field.is_whole && field.text == kUnknown;
    // Section 2.1: whatever follows is to be ignored.
    if (is_unknown_) return false;
    is_v6_ = field.text == "TCP6";
    const bool is_known = field.text == "TCP4" || is_v6_;
    const bool may_become_known =
        !field.is_whole &&
        (std::string_view("TCP").starts_with(field.text) || kUnknown.starts_with(field.text));
    if (!is_known && !may_become_known) {
      return Refuse("the PROXY line is for none of TCP4, TCP6 and UNKNOWN");
    }
    return GoOn(false);
  }

  bool ReadAddress(Side side, std::string_view& text) {
    const Field field = TakeField();
    text = field.text;
    // Proxies write an IPv4 client of an IPv6 socket as ::ffff:192.0.2.1, which is as good as its
    // spelling in hexadecimal.
    if (field.is_whole ? !IsAddress(text, is_v6_) : !BeginsAddress(text, is_v6_)) {
      return Refuse(fmt::format("the {} in the PROXY line is no IPv{} address", NameOf(side),
                                is_v6_ ? 6 : 4));
    }
    return GoOn(false);
  }

  bool ReadPort(Side side, uint16_t* port) {
    const Field field = TakeField();
    const auto read = ParsePort(field.text);
    if (field.is_whole ? !read.has_value() : !BeginsPort(field.text)) {
      return Refuse(
          fmt::format("the {} port in the PROXY line is no number from 0 to 65535", NameOf(side)));
    }
    *port = read.value_or(0);
    return GoOn(side == Side::kDestination);
  }

  std::string_view rest_;
  const bool has_end_;
  bool is_at_end_ = false;
  bool is_unknown_ = false;
  bool is_v6_ = false;
  std::string_view client_text_;
  uint16_t client_port_ = 0;
  std::optional<std::string> refusal_;
};

Result ReadLine(std::string_view bytes) {
  const std::string_view seen = bytes.substr(0, kLineBytesMax);
  const size_t end = seen.find("\r\n");
  const bool is_whole = end != std::string_view::npos;
  if (!is_whole && seen.size() == kLineBytesMax) {
    return ProxyRefused{fmt::format("the PROXY line has more than {} bytes", kLineBytesMax)};
  }
  // A CR may be the first half of the end.
  const bool has_end = is_whole || seen.ends_with('\r');
  std::string_view line = seen.substr(0, is_whole ? end : seen.size() - (has_end ? 1 : 0));
  line.remove_prefix(kLineBegin.size());
  LineReader reader(line, has_end);
  if (auto refusal = reader.Read()) return ProxyRefused{*std::move(refusal)};
  if (!is_whole) return ProxyNeedMore{};
  return ProxyHeader{.bytes = end + 2, .client = reader.client()};
}

// What is wrong with the fixed part as far as it came, or nothing.
std::optional<std::string> CheckFixedPart(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() <= 12) return std::nullopt;
  const int command = byte(12) & 15;
  if (byte(12) >> 4 != kVersion) {
    return fmt::format("the PROXY header has version {}", byte(12) >> 4);
  }
  if (command > kProxy) return fmt::format("the PROXY header has the unknown command {}", command);
  if (bytes.size() <= 13) return std::nullopt;
  const int family = byte(13) >> 4;
  const int transport = byte(13) & 15;
  // Of LOCAL the family is ignored.
  if (command == kProxy) {
    if (family > kUnix) return fmt::format("the PROXY header has the unknown family {}", family);
    if (transport == kDatagram) return "the PROXY header is for datagrams";
    if (transport > kDatagram) {
      return fmt::format("the PROXY header has the unknown transport {}", transport);
    }
  }
  if (bytes.size() < kFixedBytes) return std::nullopt;
  const size_t length = byte(14) * 256u + byte(15);
  if (kFixedBytes + length > kProxyHeaderBytesMax) {
    return fmt::format("the PROXY header has {} bytes, more than {}", kFixedBytes + length,
                       kProxyHeaderBytesMax);
  }
  if (command == kProxy && transport == kStream && length < kAddressBytes[family]) {
    return fmt::format("the PROXY header has {} bytes of addresses, which take {}", length,
                       kAddressBytes[family]);
  }
  return std::nullopt;
}

Result ReadBinary(std::string_view bytes) {
  if (auto refusal = CheckFixedPart(bytes)) return ProxyRefused{*std::move(refusal)};
  if (bytes.size() < kFixedBytes) return ProxyNeedMore{};
  const std::span<const uint8_t> all(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  ProxyHeader header{.bytes = kFixedBytes + all[14] * 256u + all[15]};
  if (all.size() < header.bytes) return ProxyNeedMore{};
  const bool is_proxied_stream = (all[12] & 15) == kProxy && (all[13] & 15) == kStream;
  const int family = is_proxied_stream ? all[13] >> 4 : kUnspecified;
  const auto port_at = [&](size_t i) { return static_cast<uint16_t>(all[i] * 256 + all[i + 1]); };
  // The source's address, the destination's, the source's port, the destination's.
  if (family == kIpv4) {
    header.client = RemoteAddress(all.subspan<kFixedBytes, 4>(), port_at(kFixedBytes + 8));
  } else if (family == kIpv6) {
    header.client = RemoteAddress(all.subspan<kFixedBytes, 16>(), port_at(kFixedBytes + 32));
  }
  return header;
}

// Whether one of them is the beginning of the other.
bool Agree(std::string_view bytes, std::string_view begin) {
  return bytes.starts_with(begin) || begin.starts_with(bytes);
}

}  // namespace

Result ReadProxyHeader(std::string_view bytes) {
  const bool may_be_line = Agree(bytes, kLineBegin);
  if (!may_be_line && !Agree(bytes, kSignature)) {
    return ProxyRefused{"there is no PROXY header where one has to be"};
  }
  if (bytes.size() < kLineBegin.size()) return ProxyNeedMore{};
  if (may_be_line) return ReadLine(bytes);
  return bytes.size() < kSignature.size() ? Result(ProxyNeedMore{}) : ReadBinary(bytes);
}

}  // namespace longwire
