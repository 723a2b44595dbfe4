// The head of a WebSocket frame as the server writes it (RFC 6455 section 5.2). Apart from the
// codec in edge/frame, since a frame for many sessions is made before any edge sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/limits.h"

namespace longwire {

// RFC 6455 5.2. The other values are reserved; 8 and above are control frames.
enum class Opcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};
constexpr bool IsControl(Opcode opcode) {
  return static_cast<uint8_t>(opcode) >= 8;
}

// In the first byte: the frame is the message's last.
inline constexpr uint8_t kFinalBit = 0x80;
// Values of the length bits that say that the length itself follows, in 2 or in 8 bytes.
inline constexpr uint8_t kLengthIn16Bits = 126;
inline constexpr uint8_t kLengthIn64Bits = 127;

// The longest header a server writes: it never masks (RFC 6455 5.1), so no key follows the length.
inline constexpr size_t kServerFrameHeaderBytesMax = 10;
// The longest payload of a control frame (RFC 6455 5.5).
inline constexpr size_t kControlPayloadBytesMax = 125;
static_assert(kCloseReasonBytesMax == kControlPayloadBytesMax - 2, "less the code");

// The size of the header that WriteFrameHeader writes for this payload: 2, 4 or 10.
size_t FrameHeaderBytes(uint64_t payload_bytes);

// The size of the whole frame with this payload.
inline size_t FrameBytes(size_t payload_bytes) {
  return FrameHeaderBytes(payload_bytes) + payload_bytes;
}

// Writes the header of one final, unmasked frame and returns its size.
// REQUIRES: room for kServerFrameHeaderBytesMax at `out`; payload_bytes < 2^63; for a control
// opcode payload_bytes <= kControlPayloadBytesMax.
size_t WriteFrameHeader(Opcode opcode, uint64_t payload_bytes, char* out);

// Appends one final, unmasked frame. The payload is not looked at: that a text is UTF-8 is the
// caller's promise. REQUIRES: as WriteFrameHeader.
void AppendFrame(std::string& out, Opcode opcode, std::string_view payload);

}  // namespace longwire
