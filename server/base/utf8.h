// Checks that bytes from a peer are UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing
// above U+10FFFF. Every string that reaches a proto `string` field must have passed one of these: a
// proto with other bytes serialises here and then fails to parse in every Go and Python subscriber.
#pragma once

#include <cstdint>
#include <string_view>

namespace longwire {

// Validates a text that arrives in pieces; code points may straddle the pieces. Three bytes of
// state and no allocation. Distinct objects may be used by distinct threads.
class Utf8Validator {
 public:
  // Takes the next bytes of the text. False as soon as no continuation could make the text valid:
  // ED A0, E0 80, F4 90 and F8 fail at their last byte named here, without waiting for the rest of
  // the code point. After false it stays false, for any further bytes, until Reset().
  [[nodiscard]] bool Feed(std::string_view bytes);

  // True when no code point is half read and nothing was refused: the text may end here.
  [[nodiscard]] bool Complete() const { return pending_ == 0; }

  // Begins a new text.
  void Reset() { *this = Utf8Validator(); }

 private:
  // How many bytes the code point at hand still lacks, and the range its next byte must be in. Only
  // the second byte of a code point ever has a range narrower than 80..BF, which is where RFC 3629
  // rules out surrogates, overlong forms and what is too large.
  uint8_t pending_ = 0;
  uint8_t next_min_ = 0x80;
  uint8_t next_max_ = 0xBF;
};

// Whether `text` as a whole is UTF-8. The empty text is.
[[nodiscard]] bool IsValidUtf8(std::string_view text);

}  // namespace longwire
