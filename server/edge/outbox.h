#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/byte_budget.h"
#include "server/edge/socket_writer.h"
#include "server/hub/shared_frame.h"

namespace longwire {

// The frames (or the HTTP answer) that wait to be sent to one client, in order. A session has one
// only while something waits. It holds what it holds: bounds are its caller's. One thread.
//
// Most frames are its own: bytes in one buffer, which goes out in one send. Between them may stand
// shared frames, which it only refers to; they are charged to the budget by themselves.
class Outbox {
 public:
  explicit Outbox(ByteBudget& budget) : budget_(budget) {}
  ~Outbox() {
    budget_.Give(data_.size() - sent_ + (pieces_.size() - next_piece_) * kReferenceBytes);
  }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // What a reference to a shared frame costs, with the room a vector leaves free. So many of them
  // are bounded too, however little the frame itself is charged.
  static constexpr size_t kReferenceBytes = 48;

  // The bytes - of one frame, in one call or several - are charged to the budget already, by Take
  // or TakeAnyway.
  void Append(std::string_view bytes) {
    CompactIfLarge();
    data_.append(bytes);
  }
  // Puts a frame behind what waits by reference. kReferenceBytes are charged already.
  void AppendShared(const SharedFrame& frame);
  // The answer to the HTTP request, which is no frame. REQUIRES: nothing was appended before.
  void AppendHttpAnswer(std::string_view bytes) {
    data_.append(bytes);
    frame_start_ = data_.size();
  }

  // What waits, shared frames in full.
  size_t bytes() const { return data_.size() - sent_ + shared_bytes_; }
  bool empty() const { return bytes() == 0; }

  enum class SendResult : uint8_t { kAllSent, kBlocked, kBroken };
  // Sends as much as the socket takes.
  SendResult Send(SocketWriter& writer);

  // Drops what waits, but for the rest of a frame that is partly sent: what follows must begin
  // where the peer expects a frame.
  void DropUnsentFrames();

  // While the socket is blocked only the newest pong is kept (RFC 6455 5.5.3 allows it), apart from
  // the frames, so a flood of pings costs nothing. Send puts it behind the frames that were
  // waiting.
  void SetPendingPong(std::string_view frame) { pending_pong_.emplace(frame); }
  void DropPendingPong() { pending_pong_.reset(); }

  // Readies a sent-out outbox for another session. Returns false if it has grown too large for
  // that.
  bool Recycle();

 private:
  static constexpr size_t kCompactBytes = 64 * 1024;

  // A shared frame that stands before the byte of data_ at `at`, which begins a frame.
  struct Piece {
    SharedFrame frame;
    size_t at;
  };
  static_assert(2 * sizeof(Piece) <= kReferenceBytes);

  // Where the bytes of data_ end that go out before the next shared frame.
  size_t OwnEnd() const {
    return next_piece_ < pieces_.size() ? pieces_[next_piece_].at : data_.size();
  }
  // Writes as much of both kinds as one call takes.
  ssize_t WritePieces(SocketWriter& writer) const;
  // Notes that so much was sent.
  void Advance(size_t bytes);
  // Notes that so much of the next shared frame was sent; lets go of it when it is all of it.
  void AdvancePiece(size_t bytes);
  // Readies for what comes next. REQUIRES: empty.
  void Clear();
  // Drops the shared frames from pieces_[first] on.
  void DropPieces(size_t first);

  // Where the frame that begins at `start` ends.
  size_t FrameEnd(size_t start) const;
  // Moves frame_start_ on to the frame that contains sent_.
  void FindFrameStart();
  // Gives back the memory in front of the frame that is under way, where it is worth it: what the
  // budget counts is what waits, and the memory has to follow it.
  void CompactIfLarge();

  ByteBudget& budget_;
  std::string data_;
  size_t sent_ = 0;  // Of data_, from its front.
  // Where a frame begins in data_: at or before sent_, or behind an HTTP answer.
  size_t frame_start_ = 0;
  std::vector<Piece> pieces_;  // In order; empty, without memory, for most.
  size_t next_piece_ = 0;      // The first that is not wholly sent; those before it are null.
  size_t piece_sent_ = 0;      // Of pieces_[next_piece_]; if not 0, then sent_ is at its place.
  size_t shared_bytes_ = 0;    // Of all pieces, what is not sent.
  std::optional<std::string> pending_pong_;
};

}  // namespace longwire
