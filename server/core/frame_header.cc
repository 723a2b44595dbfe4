#include "server/core/frame_header.h"

#include "server/base/check.h"

namespace longwire {

size_t FrameHeaderBytes(uint64_t payload_bytes) {
  if (payload_bytes < kLengthIn16Bits) return 2;
  return payload_bytes <= UINT16_MAX ? 4 : 10;
}

size_t WriteFrameHeader(Opcode opcode, uint64_t payload_bytes, char* out) {
  LONGWIRE_CHECK(payload_bytes <= (IsControl(opcode) ? kControlPayloadBytesMax : INT64_MAX),
                 "opcode {}, {} bytes", static_cast<int>(opcode), payload_bytes);
  const size_t header_bytes = FrameHeaderBytes(payload_bytes);
  out[0] = static_cast<char>(kFinalBit | static_cast<uint8_t>(opcode));
  if (header_bytes == 2) {
    out[1] = static_cast<char>(payload_bytes);
    return header_bytes;
  }
  out[1] = static_cast<char>(header_bytes == 4 ? kLengthIn16Bits : kLengthIn64Bits);
  for (size_t i = header_bytes; i-- > 2; payload_bytes >>= 8) {
    out[i] = static_cast<char>(payload_bytes & 0xFF);
  }
  return header_bytes;
}

void AppendFrame(std::string& out, Opcode opcode, std::string_view payload) {
  char header[kServerFrameHeaderBytesMax];
  out.append(header, WriteFrameHeader(opcode, payload.size(), header));
  out.append(payload);
}

}  // namespace longwire
