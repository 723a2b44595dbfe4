#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace longwire::test {

// A number that makes a test longer or repeats one of its runs.
inline std::optional<uint64_t> NumberFromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return std::strtoull(value, nullptr, 10);
}

}  // namespace longwire::test
