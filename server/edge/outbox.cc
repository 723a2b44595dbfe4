#include "server/edge/outbox.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "server/core/frame_header.h"

namespace longwire {
namespace {

// An outbox with more than this is freed rather than kept for the next session.
constexpr size_t kRecycledBytesMax = 4 * 1024;
constexpr size_t kSparePiecesMax = 16;
// Of one write. A shared frame is large, so a few fill any socket.
constexpr size_t kPartsPerWrite = 32;

}  // namespace

Outbox::SendResult Outbox::Send(SocketWriter& writer) {
  const auto stopped = [&] {
    if (errno != EAGAIN && errno != EWOULDBLOCK) return SendResult::kBroken;
    CompactIfLarge();
    return SendResult::kBlocked;
  };
  while (true) {
    if (empty()) {
      Clear();
      if (!pending_pong_) return writer.Flush() ? SendResult::kAllSent : stopped();
      budget_.TakeAnyway(pending_pong_->size());
      data_.swap(*pending_pong_);
      pending_pong_.reset();
    }
    const ssize_t written = WritePieces(writer);
    if (written < 0) return stopped();
    Advance(static_cast<size_t>(written));
  }
}

ssize_t Outbox::WritePieces(SocketWriter& writer) const {
  std::array<iovec, kPartsPerWrite> parts;
  size_t count = 0;
  const auto add = [&](std::string_view bytes) {
    if (bytes.empty() || count == parts.size()) return;
    parts[count++] = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  };
  const std::string_view own = data_;
  size_t at = sent_;
  size_t skip = piece_sent_;
  for (size_t i = next_piece_; i < pieces_.size() && count < parts.size(); ++i) {
    add(own.substr(at, pieces_[i].at - at));
    add(pieces_[i].frame.bytes().substr(skip));
    at = pieces_[i].at;
    skip = 0;
  }
  add(own.substr(at));
  return writer.Write({parts.data(), count});
}

void Outbox::Advance(size_t bytes) {
  while (true) {
    const size_t own = std::min(bytes, OwnEnd() - sent_);
    sent_ += own;
    budget_.Give(own);
    bytes -= own;
    if (bytes == 0) return;
    const size_t shared = std::min(bytes, pieces_[next_piece_].frame.size() - piece_sent_);
    AdvancePiece(shared);
    bytes -= shared;
  }
}

void Outbox::AdvancePiece(size_t bytes) {
  piece_sent_ += bytes;
  shared_bytes_ -= bytes;
  Piece& piece = pieces_[next_piece_];
  if (piece_sent_ < piece.frame.size()) return;
  // Now, and not when the outbox is empty: what it is charged is given back with its last holder.
  piece.frame = {};
  budget_.Give(kReferenceBytes);
  piece_sent_ = 0;
  if (++next_piece_ == pieces_.size()) DropPieces(0);
}

void Outbox::Clear() {
  data_.clear();
  sent_ = frame_start_ = 0;
}

void Outbox::AppendShared(const SharedFrame& frame) {
  CompactIfLarge();
  // A client may always read a little and never all.
  if (next_piece_ > pieces_.size() / 2) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(next_piece_));
    next_piece_ = 0;
  }
  pieces_.push_back({frame, data_.size()});
  shared_bytes_ += frame.size();
}

void Outbox::DropPieces(size_t first) {
  for (size_t i = std::max(first, next_piece_); i < pieces_.size(); ++i) {
    shared_bytes_ -= pieces_[i].frame.size();
    budget_.Give(kReferenceBytes);
  }
  pieces_.resize(first);
  next_piece_ = std::min(next_piece_, first);
  if (pieces_.empty() && pieces_.capacity() > kSparePiecesMax) pieces_.shrink_to_fit();
}

size_t Outbox::FrameEnd(size_t start) const {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(data_[start + i]); };
  // Our own headers: unmasked, and the length in its shortest form.
  uint64_t payload = byte(1);
  if (payload == kLengthIn16Bits) {
    payload = uint64_t{byte(2)} << 8 | byte(3);
  } else if (payload == kLengthIn64Bits) {
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
  // Of the shared frames one that is under way stays; then none of data_ that waits does, which
  // holds whole frames behind it.
  DropPieces(piece_sent_ > 0 ? next_piece_ + 1 : next_piece_);
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
  for (size_t i = next_piece_; i < pieces_.size(); ++i) pieces_[i].at -= gone;
  if (data_.capacity() > 4 * data_.size() + kCompactBytes) data_.shrink_to_fit();
}

bool Outbox::Recycle() {
  pending_pong_.reset();
  return data_.capacity() <= kRecycledBytesMax;
}

}  // namespace longwire
