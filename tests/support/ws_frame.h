#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/eventually.h"

namespace longwire::test {

// The frame layer of the test client, written from RFC 6455 and sharing nothing with the server's
// codec, so that the two cannot agree on a mistake.

enum class Op : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// One frame to send, right or wrong.
struct Frame {
  enum class LengthForm { kShortest, k16Bit, k64Bit };

  Op op = Op::kText;
  std::string payload;
  bool fin = true;
  uint8_t rsv = 0;  // Three bits: RSV1 is 4.
  bool masked = true;
  std::array<uint8_t, 4> mask = {0x37, 0xfa, 0x21, 0x3d};  // RFC 6455 5.7's own example.
  LengthForm length_form = LengthForm::kShortest;
  std::optional<uint64_t> announced_length;  // Instead of the payload's.

  std::string Bytes() const;
};

std::string TextFrame(std::string payload, bool fin = true);
std::string BinaryFrame(std::string payload, bool fin = true);
std::string Continuation(std::string payload, bool fin = true);
std::string PingFrame(std::string payload = {});
std::string PongFrame(std::string payload = {});
// Code 0 makes an empty Close frame.
std::string CloseFrame(uint16_t code = 0, std::string_view reason = {});
// The message in fragments of `fragment_bytes`.
std::string Fragmented(Op op, std::string_view payload, size_t fragment_bytes);

// What the client got next: a whole message, a control frame, or an end.
struct Received {
  enum class Kind { kText, kBinary, kPing, kPong, kClose, kEof, kReset, kTimeout, kBadFrame };

  Kind kind = Kind::kTimeout;
  std::string payload;      // kClose: the reason. kBadFrame: what the server did wrong.
  uint16_t close_code = 0;  // kClose: 1005 when the frame had none.

  static Received Text(std::string payload) { return {Kind::kText, std::move(payload), 0}; }
  static Received Binary(std::string payload) { return {Kind::kBinary, std::move(payload), 0}; }
  static Received Ping(std::string payload) { return {Kind::kPing, std::move(payload), 0}; }
  static Received Pong(std::string payload) { return {Kind::kPong, std::move(payload), 0}; }
  static Received Close(uint16_t code, std::string reason = {}) {
    return {Kind::kClose, std::move(reason), code};
  }
  static Received Eof() { return {Kind::kEof, {}, 0}; }

  bool operator==(const Received&) const = default;
};
void PrintTo(const Received& received, std::ostream* os);

// A Close frame with this code, whatever its reason.
MATCHER_P(IsClose, code, "is a Close frame with the code " + ::testing::PrintToString(code)) {
  return arg.kind == Received::Kind::kClose && arg.close_code == code;
}

// Takes frames apart as strictly as RFC 6455 asks of a client: a masked frame, a reserved bit or
// opcode, a length that is not the shortest, a split control frame, text that is not UTF-8 or a
// close code that may not be sent make a kBadFrame.
class FrameParser {
 public:
  // Takes the first item off the front of `bytes`; nothing when more bytes are needed.
  std::optional<Received> Next(std::string& bytes);

 private:
  std::optional<Received> OnFrame(Op op, bool fin, std::string payload);

  std::optional<Op> message_op_;
  std::string message_;
};

// Whether it is UTF-8 by RFC 3629; the straightforward way.
bool IsUtf8(std::string_view bytes);

}  // namespace longwire::test
