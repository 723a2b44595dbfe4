#include "client/cli/printable.h"

#include <algorithm>
#include <cstdint>

#include "client/src/utf8.h"

namespace longwire::client::cli {

namespace {

constexpr char kDigits[] = "0123456789abcdef";

void AppendEscaped(char c, std::string* out) {
  switch (c) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    case '\\':
      *out += "\\\\";
      return;
    default:
      *out += "\\x";
      *out += kDigits[static_cast<uint8_t>(c) >> 4];
      *out += kDigits[static_cast<uint8_t>(c) & 15];
  }
}

// Length of the character at the front that may be shown as it is, 0 if its first byte may not.
size_t ShownLength(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7F && lead != '\\' ? 1 : 0;
  for (size_t length = 2; length <= std::min<size_t>(4, text.size()); ++length) {
    if (!internal::IsUtf8(text.substr(0, length))) continue;
    const bool c1 = lead == 0xC2 && static_cast<uint8_t>(text[1]) < 0xA0;
    return c1 ? 0 : length;
  }
  return 0;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = ShownLength(text);
    if (length == 0) {
      AppendEscaped(text[0], &out);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(1, length));
  }
  return out;
}

std::string Hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace longwire::client::cli
