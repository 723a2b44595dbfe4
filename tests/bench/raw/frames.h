#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// A server's half of RFC 6455, as bare as it can be and still be right for well-behaved clients.
// Deliberately not the gateway's codec: that one is what is measured.
namespace longwire::bench {

inline constexpr uint8_t kFrameText = 1;
inline constexpr uint8_t kFrameBinary = 2;
inline constexpr uint8_t kFrameClose = 8;
inline constexpr uint8_t kFramePing = 9;
inline constexpr uint8_t kFramePong = 10;

// Appends one final frame.
void AppendServerFrame(std::string& out, uint8_t opcode, std::string_view payload);

struct ClientFrame {
  uint8_t opcode = 0;
  std::string_view payload;  // Unmasked, within the input.
  size_t frame_bytes = 0;    // 0: the frame is not complete yet.
};

// Reads the frame at the front of `input` and unmasks it in place.
ClientFrame ParseClientFrame(std::span<char> input);

}  // namespace longwire::bench
