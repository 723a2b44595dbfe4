#include "utf8.h"

#include <cstdint>
#include <cstring>

namespace longwire::client::internal {

namespace {

// Length of the sequence that `lead` begins, 0 if none does. `*low` and `*high` become the bounds
// of its second byte, which is where overlong forms, surrogates and the far end show.
int SequenceLength(uint8_t lead, uint8_t* low, uint8_t* high) {
  *low = 0x80;
  *high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0) *low = 0xA0;
    if (lead == 0xED) *high = 0x9F;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0) *low = 0x90;
    if (lead == 0xF4) *high = 0x8F;
    return 4;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    // Most text is ASCII: eight bytes a step while it lasts.
    uint64_t word;
    if (bytes.size() - at >= sizeof(word)) {
      std::memcpy(&word, bytes.data() + at, sizeof(word));
      if ((word & 0x8080808080808080ULL) == 0) {
        at += sizeof(word);
        continue;
      }
    }
    const auto lead = static_cast<uint8_t>(bytes[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    uint8_t low, high;
    const int length = SequenceLength(lead, &low, &high);
    if (length == 0 || bytes.size() - at < static_cast<size_t>(length)) return false;
    for (int i = 1; i < length; ++i) {
      const auto next = static_cast<uint8_t>(bytes[at + i]);
      if (next < low || next > high) return false;
      low = 0x80;
      high = 0xBF;
    }
    at += length;
  }
  return true;
}

}  // namespace longwire::client::internal
