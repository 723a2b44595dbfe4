#include "tests/bench/load/payload.h"

namespace longwire::bench {
namespace {

constexpr size_t kStampLetters = 16;
constexpr size_t kNumberLetters = 8;
static_assert(kPayloadBytesMin == kStampLetters);
static_assert(kPayloadBytesWithNumber == kStampLetters + kNumberLetters);

void WriteLetters(uint64_t value, size_t letters, char* out) {
  for (size_t i = letters; i-- > 0; value >>= 4) out[i] = static_cast<char>('A' + (value & 15));
}

bool ReadLetters(std::string_view letters, uint64_t& value) {
  value = 0;
  for (const char letter : letters) {
    if (letter < 'A' || letter > 'P') return false;
    value = value << 4 | static_cast<uint64_t>(letter - 'A');
  }
  return true;
}

}  // namespace

void WriteStamp(const Stamp& stamp, char* payload, size_t bytes) {
  WriteLetters(static_cast<uint64_t>(stamp.due_nanos), kStampLetters, payload);
  if (bytes >= kPayloadBytesWithNumber) {
    WriteLetters(stamp.number, kNumberLetters, payload + kStampLetters);
  }
}

bool ReadStamp(std::string_view payload, Stamp& stamp) {
  if (payload.size() < kPayloadBytesMin) return false;
  uint64_t due = 0;
  uint64_t number = 0;
  if (!ReadLetters(payload.substr(0, kStampLetters), due)) return false;
  if (payload.size() >= kPayloadBytesWithNumber &&
      !ReadLetters(payload.substr(kStampLetters, kNumberLetters), number)) {
    return false;
  }
  stamp = {static_cast<int64_t>(due), static_cast<uint32_t>(number)};
  return true;
}

}  // namespace longwire::bench
