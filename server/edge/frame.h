// The WebSocket frame codec of the server's side (RFC 6455 section 5): bytes in, messages out; with
// core/frame_header, messages in, bytes out. It knows no socket, no clock and no session, so it can
// be fuzzed whole (tests/fuzz/frame_fuzz.cc). What the handshake negotiates is not here: there are
// no extensions, so every RSV bit is a violation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/core/frame_header.h"

namespace longwire {

// Appends a Close frame. Code 0 stands for "none": the frame is empty and the peer sees 1005.
// REQUIRES: IsCloseCodeOnWire(code), or code 0 and no reason; reason is UTF-8 of at most
// kCloseReasonBytesMax bytes.
void AppendCloseFrame(std::string& out, uint16_t code, std::string_view reason);

// Whether a peer may put this code into a Close frame: 1000-1003, 1007-1014 and 3000-4999 (RFC 6455
// 7.4 and IANA's registry). 1004, 1005, 1006 and 1015 are reserved for local use.
bool IsCloseCodeOnWire(uint16_t code);

// Turns a client's bytes into messages and control frames. Where the bytes are cut does not matter:
// any split of a stream gives the same items. Whatever a client sends is answered by an item, never
// by an assert.
//
// An idle reader is one null pointer. It allocates only while a header, a control payload or a
// message is incomplete, and gives that back with the call of Next() that finds nothing left to
// keep. The heap in use follows the bytes that came (at most twice BufferedBytes() and some 200
// bytes), never the length a header announces; empty fragments, however many, add nothing.
//
// Not thread-safe; distinct readers may be used by distinct threads. Can be moved; the reader moved
// from is as new.
class FrameReader {
 public:
  struct Item {
    enum class Kind : uint8_t { kNeedMore, kText, kBinary, kPing, kPong, kClose, kViolation };

    Kind kind = Kind::kNeedMore;

    // kText (valid UTF-8), kBinary: the whole message, of any number of fragments.
    // kPing, kPong: the frame's payload. kClose: the reason (valid UTF-8).
    // kViolation: what the peer did wrong and the section that says so, for a log or a Close
    // reason. Valid until the next call of Next() or the end of the reader, and as long as the
    // input is: a frame that came in one piece is not copied, its payload is a view of the input.
    std::string_view payload;

    // A CloseCode or, in kClose, any other number that IsCloseCodeOnWire. kClose: the peer's code,
    // kNoStatus (1005) when it gave none. kViolation: the code to close with: kProtocolError
    // (1002), kInvalidPayload (1007) or kMessageTooBig (1009). Otherwise 0.
    uint16_t close_code = 0;
  };

  FrameReader();
  ~FrameReader();
  FrameReader(FrameReader&&) noexcept;
  FrameReader& operator=(FrameReader&&) noexcept;

  // Takes bytes from the front of `input` up to the end of one item, unmasking them in place, and
  // moves `input` on to what follows. kNeedMore: all of the input was taken; until then call again,
  // also with what is left being empty (that last call is the one that frees a message's buffer).
  //
  // A violation is told as early as the bytes allow: a header as soon as its bytes show it, a
  // length beyond `message_bytes_max` (summed over the fragments) before any of that payload, a
  // text at the first byte that no continuation could make UTF-8.
  //
  // After kClose or kViolation the reader is spent: every further call takes all of its input and
  // returns kNeedMore. The peer may say nothing more that counts (RFC 6455 5.5.1 and 7.1.7).
  Item Next(std::span<char>& input, size_t message_bytes_max);

  // Whether a frame or a message has begun and not ended: the peer owes bytes. False when spent.
  bool InMessage() const;

  // Bytes of the peer's that are held for what is incomplete; 0 when idle or spent.
  size_t BufferedBytes() const;

 private:
  struct Partial;

  Item NextInParts(std::span<char>& input, size_t message_bytes_max);
  Item Finish(const Item& item);

  // Null when idle, so that a session with nothing half read pays 8 bytes.
  std::unique_ptr<Partial> partial_;
};

}  // namespace longwire
