#include "server/edge/outbox.h"

#include <sys/socket.h>

#include <cerrno>

#include "server/edge/frame.h"

namespace longwire {
namespace {

// An outbox with more than this is freed rather than kept for the next session.
constexpr size_t kRecycledBytesMax = 4 * 1024;

}  // namespace

Outbox::SendResult Outbox::Send(int fd, size_t& sent_bytes) {
  sent_bytes = 0;
  while (true) {
    if (empty()) {
      data_.clear();
      sent_ = frame_start_ = 0;
      if (!pending_pong_) return SendResult::kAllSent;
      budget_.TakeAnyway(pending_pong_->size());
      data_.swap(*pending_pong_);
      pending_pong_.reset();
    }
    const ssize_t sent =
        send(fd, data_.data() + sent_, data_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return SendResult::kBroken;
      CompactIfLarge();
      return SendResult::kBlocked;
    }
    sent_ += static_cast<size_t>(sent);
    sent_bytes += static_cast<size_t>(sent);
    budget_.Give(static_cast<size_t>(sent));
  }
}

size_t Outbox::FrameEnd(size_t start) const {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(data_[start + i]); };
  // Our own headers: unmasked, and the length in its shortest form.
  uint64_t payload = byte(1);
  if (payload == 126) {
    payload = uint64_t{byte(2)} << 8 | byte(3);
  } else if (payload == 127) {
    payload = 0;
    for (size_t i = 2; i < 10; ++i) payload = payload << 8 | byte(i);
  }
  return start + FrameBytes(payload);
}

void Outbox::FindFrameStart() {
  while (frame_start_ < sent_) {
    const size_t end = FrameEnd(frame_start_);
    if (end > sent_) return;
    frame_start_ = end;
  }
}

void Outbox::DropUnsentFrames() {
  FindFrameStart();
  const size_t keep = frame_start_ < sent_ ? FrameEnd(frame_start_) : frame_start_;
  budget_.Give(data_.size() - keep);
  data_.resize(keep);
  pending_pong_.reset();
}

void Outbox::CompactIfLarge() {
  if (sent_ < kCompactBytes || sent_ < data_.size() / 2) return;
  FindFrameStart();
  const size_t gone = frame_start_ < sent_ ? frame_start_ : sent_;
  data_.erase(0, gone);
  sent_ -= gone;
  frame_start_ -= gone;
  if (data_.capacity() > 4 * data_.size() + kCompactBytes) data_.shrink_to_fit();
}

bool Outbox::Recycle() {
  pending_pong_.reset();
  return data_.capacity() <= kRecycledBytesMax;
}

}  // namespace longwire
