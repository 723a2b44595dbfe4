#include "tests/bench/load/ws_codec.h"

#include <cstring>

namespace longwire::bench {
namespace {

constexpr uint8_t kFinalBit = 0x80;
constexpr uint8_t kOpcodeBits = 0x0F;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLengthIn16Bits = 126;
constexpr uint8_t kLengthIn64Bits = 127;

// Any key does; one that is not zero makes the server's unmasking real work.
constexpr char kMask[4] = {0x37, 0x5A, 0x21, 0x6E};
constexpr size_t kMaskBytes = sizeof(kMask);

void AppendNumber(std::string& out, uint64_t number, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t ReadNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace

std::string HandshakeRequest(std::string_view host_port, std::string_view target) {
  std::string out = "GET ";
  out += target;
  out += " HTTP/1.1\r\nHost: ";
  out += host_port;
  out +=
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  return out;
}

bool IsHandshakeAccepted(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 101 ") &&
         answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string_view::npos;
}

void AppendClientFrame(std::string& out, uint8_t opcode, std::string_view payload) {
  out.push_back(static_cast<char>(kFinalBit | opcode));
  if (payload.size() < kLengthIn16Bits) {
    out.push_back(static_cast<char>(kMaskBit | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    out.push_back(static_cast<char>(kMaskBit | kLengthIn16Bits));
    AppendNumber(out, payload.size(), 2);
  } else {
    out.push_back(static_cast<char>(kMaskBit | kLengthIn64Bits));
    AppendNumber(out, payload.size(), 8);
  }
  out.append(kMask, kMaskBytes);
  const size_t begin = out.size();
  out += payload;
  for (size_t i = 0; i < payload.size(); ++i) out[begin + i] ^= kMask[i % kMaskBytes];
}

ServerFrame ParseServerFrame(std::string_view input) {
  ServerFrame frame;
  if (input.size() < 2) return frame;
  const auto first = static_cast<uint8_t>(input[0]);
  const auto second = static_cast<uint8_t>(input[1]);
  frame.opcode = first & kOpcodeBits;
  if ((first & ~kOpcodeBits) != kFinalBit || frame.opcode == 0 || (second & kMaskBit) != 0) {
    frame.kind = ServerFrame::Kind::kViolation;
    return frame;
  }
  size_t length_bytes = 0;
  if (second == kLengthIn16Bits) length_bytes = 2;
  if (second == kLengthIn64Bits) length_bytes = 8;
  const size_t header_bytes = 2 + length_bytes;
  if (input.size() < header_bytes) return frame;
  const uint64_t payload_bytes =
      length_bytes == 0 ? second : ReadNumber(input.substr(2, length_bytes));
  if (input.size() - header_bytes < payload_bytes) return frame;
  frame.kind = ServerFrame::Kind::kFrame;
  frame.payload = input.substr(header_bytes, payload_bytes);
  frame.frame_bytes = header_bytes + payload_bytes;
  return frame;
}

}  // namespace longwire::bench
