#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/byte_budget.h"

namespace longwire {

// The frames (or the HTTP answer) that wait to be sent to one client, in order. A session has one
// only while something waits. It holds what it holds: bounds are its caller's. One thread.
class Outbox {
 public:
  explicit Outbox(ByteBudget& budget) : budget_(budget) {}
  ~Outbox() { budget_.Give(bytes()); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // The bytes - of one frame, in one call or several - are charged to the budget already, by Take
  // or TakeAnyway.
  void Append(std::string_view bytes) {
    CompactIfLarge();
    data_.append(bytes);
  }
  // The answer to the HTTP request, which is no frame. REQUIRES: nothing was appended before.
  void AppendHttpAnswer(std::string_view bytes) {
    data_.append(bytes);
    frame_start_ = data_.size();
  }

  size_t bytes() const { return data_.size() - sent_; }
  bool empty() const { return bytes() == 0; }

  enum class SendResult : uint8_t { kAllSent, kBlocked, kBroken };
  // Sends as much as the socket takes. `sent_bytes` is what went.
  SendResult Send(int fd, size_t& sent_bytes);

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
  std::optional<std::string> pending_pong_;
};

}  // namespace longwire
