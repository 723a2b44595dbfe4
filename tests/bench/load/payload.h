#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What the load generator puts into each message: when it was due, and its number among the
// messages to one session. Written in the letters A to P, so that it is valid text and costs both
// ends a UTF-8 check as a chat message does.
namespace longwire::bench {

inline constexpr size_t kPayloadBytesMin = 16;         // Room for the stamp.
inline constexpr size_t kPayloadBytesWithNumber = 24;  // From here on the number is in it, too.

struct Stamp {
  int64_t due_nanos = 0;
  uint32_t number = 0;
};

// Writes the stamp over the first bytes of `payload`. REQUIRES: bytes >= kPayloadBytesMin.
void WriteStamp(const Stamp& stamp, char* payload, size_t bytes);

// False if `payload` was not made by WriteStamp.
[[nodiscard]] bool ReadStamp(std::string_view payload, Stamp& stamp);

}  // namespace longwire::bench
