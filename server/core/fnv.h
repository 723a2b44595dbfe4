#pragma once

#include <cstdint>
#include <string_view>

namespace longwire {

// FNV-1a, 64 bits: the same on every node, in every build and process. Abseil's hash is salted anew
// in each process, and std::hash is the library's affair. It keeps out mistakes, not attackers.
uint64_t Fnv1a(std::string_view bytes);

}  // namespace longwire
