// Where a subscription stands in the log: pure bookkeeping, no thread, no stream.
#pragma once

#include <optional>

#include "longwire/cursor.h"
#include "longwire/subscription.h"
#include "longwire/v1/gateway.pb.h"

namespace longwire::client::internal {

// Fed with each response of each stream, it knows where the next stream must start. The one
// subtlety: while a snapshot is under way the cursor stands still, since a stream that resumed
// behind a half-told snapshot would never hear of the other half. Not thread-safe.
class Position {
 public:
  explicit Position(const SubscriptionOptions& options);

  // Sets `start` of the request for the next stream and forgets what the last one left half told.
  void OpenStream(v1::SubscribeEventsRequest* request);

  // Call in this order for each response: BeginResponse, Handled for each event after its handler,
  // SnapshotDone where it belongs, EndResponse.
  void BeginResponse(const v1::SubscribeEventsResponse& response);
  void Handled(const v1::Event& event);
  void SnapshotDone();
  void EndResponse(const v1::SubscribeEventsResponse& response);

  const std::optional<Cursor>& cursor() const { return cursor_; }
  uint64_t lag() const;

 private:
  void Advance(uint64_t sequence);

  // Constant after construction.
  const v1::StartAt start_at_;
  const bool in_group_;

  std::optional<Cursor> cursor_;
  std::string stream_log_id_;
  bool snapshot_pending_ = false;
  // Of the stream's log: handled up to, covered as of the latest response, and its end.
  uint64_t reached_ = 0;
  uint64_t covered_ = 0;
  uint64_t head_ = 0;
};

}  // namespace longwire::client::internal
