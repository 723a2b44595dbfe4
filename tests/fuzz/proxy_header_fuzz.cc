// Fuzzes ReadProxyHeader against a second reader that waits for all of a header and then takes it
// apart, and over every beginning of the input: it asks for more until it knows, and what it knows
// then no further byte changes. An input is what came of a connection.
#include "server/edge/proxy_header.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/base/limits.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::ProxyHeader;
using longwire::ProxyNeedMore;
using longwire::ProxyRefused;
using longwire::ReadProxyHeader;
using longwire::RemoteAddress;
using longwire::Require;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

struct PlainHeader {
  size_t bytes;
  std::string client;  // Empty = none.
};

std::vector<std::string> SplitAtBlanks(std::string_view text) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == ' ') {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  return fields;
}

bool IsPlainPort(const std::string& text) {
  const bool has_digits = !text.empty() && text.size() <= 5 &&
                          text.find_first_not_of("0123456789") == std::string::npos;
  return has_digits && std::stoi(text) <= 65535 && std::to_string(std::stoi(text)) == text;
}

bool IsPlainAddress(int family, const std::string& text) {
  unsigned char bytes[16];
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), bytes) == 1;
}

std::optional<PlainHeader> ReadPlainLine(std::string_view bytes) {
  const size_t end = bytes.substr(0, 107).find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::vector<std::string> fields = SplitAtBlanks(bytes.substr(0, end));
  if (fields.size() < 2 || fields[0] != "PROXY") return std::nullopt;
  if (fields[1] == "UNKNOWN") return PlainHeader{end + 2, ""};
  const bool is_v6 = fields[1] == "TCP6";
  const int family = is_v6 ? AF_INET6 : AF_INET;
  if ((!is_v6 && fields[1] != "TCP4") || fields.size() != 6) return std::nullopt;
  if (!IsPlainAddress(family, fields[2]) || !IsPlainAddress(family, fields[3])) return std::nullopt;
  if (!IsPlainPort(fields[4]) || !IsPlainPort(fields[5])) return std::nullopt;
  const std::string host = is_v6 ? "[" + fields[2] + "]" : fields[2];
  return PlainHeader{end + 2, RemoteAddress::Parse(host + ":" + fields[4])->ToString()};
}

std::optional<PlainHeader> ReadPlainBinary(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (!bytes.starts_with(kSignature) || bytes.size() < 16) return std::nullopt;
  const size_t total = 16u + byte(14) * 256u + byte(15);
  if (total > longwire::kProxyHeaderBytesMax || bytes.size() < total) return std::nullopt;
  if (byte(12) == 0x20) return PlainHeader{total, ""};
  if (byte(12) != 0x21 || byte(13) > 0x3F || byte(13) % 16 > 1) return std::nullopt;
  if (byte(13) % 16 == 0 || byte(13) == 0x01) return PlainHeader{total, ""};
  if (byte(13) == 0x31)
    return total < 16 + 216 ? std::nullopt : std::optional(PlainHeader{total, ""});
  const bool is_v6 = byte(13) == 0x21;
  if (total < (is_v6 ? 16u + 36u : 16u + 12u)) return std::nullopt;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data() + 16, text, sizeof(text));
  const size_t port_at = is_v6 ? 48 : 24;
  const int port = byte(port_at) * 256 + byte(port_at + 1);
  const std::string written = fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), text, port);
  return PlainHeader{total, RemoteAddress::Parse(written)->ToString()};
}

// A line that is asked to go on can go on to its end.
void RequireCanGoOn(std::string_view begin) {
  // Beyond this the longest line may leave no room for what is missing.
  if (begin.starts_with('\r') || begin.size() > 60) return;
  for (const char* ending : {"", " ", "0", "::", ":", "0.0.0.0", ".0.0.0", "0.0.0", ".0.0", "0.0",
                             ".0", "Y ", "XY ", "OXY ", "ROXY ", "PROXY ", "\n", "\r\n"}) {
    for (const char* family : {"", "4 ", "6 ", "P4 ", "CP4 ", "TCP4 ", "N\r\n", "WN\r\n", "OWN\r\n",
                               "NOWN\r\n", "KNOWN\r\n", "NKNOWN\r\n", "UNKNOWN\r\n"}) {
      for (const char* tail :
           {"", "\n", "\r\n", " ", " 1\r\n", "1\r\n", " 1 1\r\n", "1 1\r\n", " ::1 1 1\r\n",
            "::1 1 1\r\n", " 1.1.1.1 1 1\r\n", "1.1.1.1 1 1\r\n", " 1.1.1.1 1.1.1.1 1 1\r\n",
            " ::1 ::1 1 1\r\n", "1.1.1.1 1.1.1.1 1 1\r\n", "::1 ::1 1 1\r\n"}) {
        const std::string whole = fmt::format("{}{}{}{}", begin, ending, family, tail);
        if (std::holds_alternative<ProxyHeader>(ReadProxyHeader(whole))) return;
      }
    }
  }
  Require(false, "more is only asked for where more can help");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  size_t known_at = 0;  // With so many bytes it was first known what they are.
  std::optional<ProxyHeader> header;
  for (size_t n = 0; n <= std::min(size, longwire::kProxyHeaderBytesMax + 64); ++n) {
    // On the heap, so that ASan sees a byte that is read behind them.
    const auto came = std::make_unique<char[]>(n);
    std::copy_n(all.data(), n, came.get());
    const auto result = ReadProxyHeader({came.get(), n});
    const auto* now = std::get_if<ProxyHeader>(&result);
    if (std::holds_alternative<ProxyNeedMore>(result)) {
      Require(known_at == 0, "what is known stays known");
      Require(n < longwire::kProxyHeaderBytesMax, "a header is bounded");
      continue;
    }
    if (known_at == 0) {
      known_at = n;
      if (now != nullptr) header = *now;
      Require(now == nullptr || now->bytes == n, "a header is known with its last byte");
    }
    Require((now != nullptr) == header.has_value(), "a header stays one, and what is none too");
    if (now != nullptr) {
      Require(now->bytes == header->bytes && now->client == header->client, "it stays the same");
    } else {
      const std::string& text = std::get<ProxyRefused>(result).text;
      Require(text.find("PROXY") != std::string::npos, "a refusal says what is refused");
      Require(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= 'z'; }),
              "a refusal quotes nothing");
    }
  }
  if (known_at > 0 || size == 0) {
    RequireCanGoOn(all.substr(0, known_at == 0 ? 0 : known_at - 1));
  } else {
    RequireCanGoOn(all);
  }
  const auto plain = all.starts_with('P') ? ReadPlainLine(all) : ReadPlainBinary(all);
  Require(plain.has_value() == header.has_value(), "both readers find a header or none");
  if (plain) {
    Require(plain->bytes == header->bytes, "both readers take as much");
    Require(plain->client == (header->client ? header->client->ToString() : ""),
            "both readers find the same client");
  }
  return 0;
}
