#include "server/base/utf8.h"

#include <cstring>

namespace longwire {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080u;

uint64_t Load8(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The first byte at or after `at` that is not ASCII, or `end`.
const char* SkipAscii(const char* at, const char* end) {
  while (end - at >= 16 && ((Load8(at) | Load8(at + 8)) & kHighBits) == 0) at += 16;
  if (end - at >= 8 && (Load8(at) & kHighBits) == 0) at += 8;
  while (at != end && static_cast<uint8_t>(*at) < 0x80) ++at;
  return at;
}

// What may follow a lead byte: `pending` more bytes, the first of them in [min, max].
struct Expectation {
  uint8_t pending;
  uint8_t min;
  uint8_t max;
};

// Matches nothing: the range is empty. A validator in this state refuses every byte.
constexpr Expectation kRefused = {1, 0xFF, 0x00};

// The rows of RFC 3629 section 4. REQUIRES: lead >= 0x80.
Expectation AfterLead(uint8_t lead) {
  if (lead < 0xC2) return kRefused;
  if (lead < 0xE0) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead < 0xF0) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead < 0xF4) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return kRefused;
}

bool IsContinuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
}

// Whole code points of two and three bytes, nearly all of what is not ASCII, in one step each.
// Stops where it is in doubt, also at the last few bytes; the caller then goes byte by byte.
const char* SkipCommonCodePoints(const char* at, const char* end) {
  while (end - at >= 3) {
    const auto lead = static_cast<uint8_t>(at[0]);
    const auto second = static_cast<uint8_t>(at[1]);
    if (!IsContinuation(at[1])) break;
    if (lead >= 0xE0 && lead < 0xF0) {
      const bool overlong = lead == 0xE0 && second < 0xA0;
      const bool surrogate = lead == 0xED && second >= 0xA0;
      if (!IsContinuation(at[2]) || overlong || surrogate) break;
      at += 3;
    } else if (lead >= 0xC2 && lead < 0xE0) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

bool Utf8Validator::Feed(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  // A copy that lives in registers: stores to *this after each byte would cost more than the check.
  Expectation expected = {pending_, next_min_, next_max_};
  bool valid = true;
  while (at != end) {
    const auto byte = static_cast<uint8_t>(*at);
    if (expected.pending == 0) {
      if (byte < 0x80) {
        at = SkipAscii(at, end);
        continue;
      }
      if (const char* next = SkipCommonCodePoints(at, end); next != at) {
        at = next;
        continue;
      }
      expected = AfterLead(byte);
      valid = expected.max != kRefused.max;
    } else {
      valid = byte >= expected.min && byte <= expected.max;
      expected =
          valid ? Expectation{static_cast<uint8_t>(expected.pending - 1), 0x80, 0xBF} : kRefused;
    }
    if (!valid) break;
    ++at;
  }
  pending_ = expected.pending;
  next_min_ = expected.min;
  next_max_ = expected.max;
  return valid;
}

bool IsValidUtf8(std::string_view text) {
  Utf8Validator validator;
  return validator.Feed(text) && validator.Complete();
}

}  // namespace longwire
