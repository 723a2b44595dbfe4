#include "tests/bench/raw/frames.h"

#include <cstring>

namespace longwire::bench {
namespace {

constexpr uint8_t kFinalBit = 0x80;
constexpr uint8_t kLengthIn16Bits = 126;
constexpr uint8_t kLengthIn64Bits = 127;
constexpr size_t kMaskBytes = 4;

void Unmask(char* bytes, size_t count, const char* mask) {
  uint64_t wide = 0;
  std::memcpy(&wide, mask, kMaskBytes);
  wide |= wide << 32;
  size_t i = 0;
  for (; i + sizeof(wide) <= count; i += sizeof(wide)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof(word));
    word ^= wide;
    std::memcpy(bytes + i, &word, sizeof(word));
  }
  for (; i < count; ++i) bytes[i] ^= mask[i % kMaskBytes];
}

}  // namespace

void AppendServerFrame(std::string& out, uint8_t opcode, std::string_view payload) {
  char header[10];
  size_t header_bytes = 2;
  int length_bytes = 0;
  header[0] = static_cast<char>(kFinalBit | opcode);
  if (payload.size() < kLengthIn16Bits) {
    header[1] = static_cast<char>(payload.size());
  } else {
    length_bytes = payload.size() <= 0xFFFF ? 2 : 8;
    header[1] = static_cast<char>(length_bytes == 2 ? kLengthIn16Bits : kLengthIn64Bits);
  }
  for (int i = length_bytes - 1; i >= 0; --i) {
    header[header_bytes++] = static_cast<char>(uint64_t{payload.size()} >> (8 * i));
  }
  out.append(header, header_bytes);
  out += payload;
}

ClientFrame ParseClientFrame(std::span<char> input) {
  ClientFrame frame;
  if (input.size() < 2) return frame;
  size_t header_bytes = 2;
  uint64_t payload_bytes = static_cast<uint8_t>(input[1]) & 0x7F;
  size_t length_bytes = 0;
  if (payload_bytes == kLengthIn16Bits) length_bytes = 2;
  if (payload_bytes == kLengthIn64Bits) length_bytes = 8;
  if (input.size() < header_bytes + length_bytes + kMaskBytes) return frame;
  if (length_bytes != 0) payload_bytes = 0;
  for (size_t i = 0; i < length_bytes; ++i) {
    payload_bytes = payload_bytes << 8 | static_cast<uint8_t>(input[header_bytes++]);
  }
  const char* const mask = &input[header_bytes];
  header_bytes += kMaskBytes;
  if (input.size() - header_bytes < payload_bytes) return frame;
  char* const payload = input.data() + header_bytes;
  Unmask(payload, payload_bytes, mask);
  frame.opcode = static_cast<uint8_t>(input[0]) & 0x0F;
  frame.payload = {payload, payload_bytes};
  frame.frame_bytes = header_bytes + payload_bytes;
  return frame;
}

}  // namespace longwire::bench
