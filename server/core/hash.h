#pragma once

#include <cstdint>
#include <string_view>

// Hashes that are the same on every node, in every build and process: Abseil's are salted anew in
// each process, and std::hash is the library's affair. They keep out mistakes, not attackers.
namespace longwire {

// FNV-1a, 64 bits.
uint64_t Fnv1a(std::string_view bytes);

// Spreads a number so that every bit of it moves every bit of the result: the finalizer of
// MurmurHash3 (Appleby, public domain).
constexpr uint64_t MixBits(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

}  // namespace longwire
