#include "server/auth/base64url.h"

#include <cstdint>

namespace longwire {
namespace {

// The six bits that the character stands for, or -1.
int Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

}  // namespace

std::optional<SecretBytes> DecodeBase64Url(std::string_view text) {
  SecretBytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int digit = Digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<unsigned char>(bits >> bit_count));
      bits &= (1U << bit_count) - 1;
    }
  }
  if (bit_count >= 6 || bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace longwire
