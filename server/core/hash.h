#pragma once

#include <cstdint>

namespace longwire {

// Spreads a number so that every bit of it moves every bit of the result: the finalizer of
// MurmurHash3 (Appleby, public domain). The same in every build and process, unlike Abseil's hash,
// which is salted.
constexpr uint64_t MixBits(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

}  // namespace longwire
