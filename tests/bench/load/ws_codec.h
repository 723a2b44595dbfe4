#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// A client's half of RFC 6455, as much as a load generator needs of it. Deliberately not the
// gateway's codec.
namespace longwire::bench {

inline constexpr uint8_t kOpcodeText = 1;
inline constexpr uint8_t kOpcodeBinary = 2;
inline constexpr uint8_t kOpcodeClose = 8;
inline constexpr uint8_t kOpcodePing = 9;
inline constexpr uint8_t kOpcodePong = 10;

// The upgrade request. Its key is the one of RFC 6455 1.3, the same for all clients.
std::string HandshakeRequest(std::string_view host_port, std::string_view target);

// Whether the server's whole answer, up to the empty line, is 101 with the accept value that
// belongs to the key.
bool IsHandshakeAccepted(std::string_view answer);

// Appends one final frame, masked as a client must.
void AppendClientFrame(std::string& out, uint8_t opcode, std::string_view payload);

struct ServerFrame {
  enum class Kind : uint8_t { kFrame, kNeedMore, kViolation };

  Kind kind = Kind::kNeedMore;
  uint8_t opcode = 0;
  std::string_view payload;  // A view of the input.
  size_t frame_bytes = 0;    // Header and payload.
};

// Reads the frame at the front of `input`. A server that masks, fragments or sets reserved bits is
// taken for broken: the servers measured here have no reason to.
ServerFrame ParseServerFrame(std::string_view input);

}  // namespace longwire::bench
