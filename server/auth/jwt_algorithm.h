#pragma once

#include <cstdint>
#include <string_view>

namespace longwire {

// What tokens are signed with (RFC 7518 3.1). One gateway takes one of them.
enum class JwtAlgorithm : uint8_t { kHs256, kRs256, kEs256 };

// "HS256", as a token's header has it.
constexpr std::string_view JwtAlgorithmName(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::kHs256:
      return "HS256";
    case JwtAlgorithm::kRs256:
      return "RS256";
    case JwtAlgorithm::kEs256:
      break;
  }
  return "ES256";
}

}  // namespace longwire
