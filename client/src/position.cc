#include "position.h"

#include <algorithm>

namespace longwire::client::internal {

Position::Position(const SubscriptionOptions& options)
    : start_at_(options.start_at),
      in_group_(!options.consumer_group.empty()),
      cursor_(options.after),
      reached_(options.after ? options.after->sequence : 0) {}

void Position::OpenStream(v1::SubscribeEventsRequest* request) {
  snapshot_pending_ = !cursor_ && start_at_ == v1::START_AT_SNAPSHOT;
  stream_log_id_.clear();
  if (cursor_) {
    request->mutable_after()->set_log_id(cursor_->log_id);
    request->mutable_after()->set_sequence(cursor_->sequence);
  } else {
    request->set_start_at(start_at_);
  }
}

void Position::BeginResponse(const v1::SubscribeEventsResponse& response) {
  if (!response.log_id().empty()) stream_log_id_ = response.log_id();
  // Sequences of the new log begin anew, and a snapshot of its sessions follows (not for a group,
  // which has none).
  if (response.gap().reason() == v1::GAP_REASON_RESTART) {
    reached_ = 0;
    covered_ = 0;
    snapshot_pending_ = !in_group_;
  }
  head_ = response.head();
}

void Position::Handled(const v1::Event& event) {
  // Partitions reach a group's member out of order, so only `covered` tells where it stands.
  if (event.snapshot() || in_group_) return;
  Advance(event.sequence());
}

void Position::SnapshotDone() {
  snapshot_pending_ = false;
}

void Position::EndResponse(const v1::SubscribeEventsResponse& response) {
  covered_ = response.covered();
  Advance(covered_);
}

uint64_t Position::lag() const {
  // A group has its own place, whatever this member was told to begin with.
  const uint64_t done = in_group_ ? covered_ : std::max(reached_, covered_);
  return head_ > done ? head_ - done : 0;
}

void Position::Advance(uint64_t sequence) {
  if (snapshot_pending_ || stream_log_id_.empty()) return;
  if (in_group_ || sequence > reached_ || !cursor_ || cursor_->log_id != stream_log_id_) {
    reached_ = sequence;
    cursor_ = Cursor{stream_log_id_, sequence};
  }
}

}  // namespace longwire::client::internal
