#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "longwire/v1/gateway.grpc.pb.h"
#include "server/api/courier.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/base/refusal.h"
#include "server/base/slots.h"
#include "server/events/event_reader.h"
#include "server/hub/hub.h"
#include "server/hub/snapshot.h"

namespace longwire {

// What a SubscribeEventsRequest asks for, checked.
struct EventStreamPlan {
  EventFilter filter;
  // Where to read from; unused with a snapshot, which says itself.
  uint64_t next = 0;
  bool has_snapshot = false;
  bool is_after_restart = false;  // The cursor was of another log: Gap{RESTART} comes first.
};
std::variant<EventStreamPlan, Refusal> PlanEventStream(const v1::SubscribeEventsRequest& request,
                                                       const EventLog& log);
// What a subscription ends with when the gateway goes down.
Refusal DrainingRefusal();

// The places a stream takes for as long as it needs them.
struct EventStreamSlots {
  Slots::Slot subscription;
  Slots::Slot snapshot;  // Empty without one.
};

// One SubscribeEvents call. It has one write under way at the most: a subscriber that reads slowly
// only falls behind in the log, and costs no more than that write.
//
// Responses are put together as bytes: the header is a small SubscribeEventsResponse, and the
// events follow as they stand in the log.
class EventStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public CourierStream,
                          public std::enable_shared_from_this<EventStream> {
 public:
  static EventStream* Start(Hub& hub, Courier& courier, Metrics& metrics, const Clock& clock,
                            grpc::CallbackServerContext& context, const EventStreamPlan& plan,
                            EventStreamSlots slots);
  ~EventStream() override;

  // CourierStream
  void Pump() override;
  void Tick() override;

  // Ends the stream, with GATEWAY_DRAINING, once everything in the log now is written.
  void EndWhenDelivered();

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  EventStream(Hub& hub, Courier& courier, Metrics& metrics, const Clock& clock,
              grpc::CallbackServerContext& context, const EventStreamPlan& plan,
              EventStreamSlots slots);

  // The next response, or nothing when there is nothing to tell.
  bool NextResponse(grpc::ByteBuffer& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NextOfSnapshot(v1::SubscribeEventsResponse& header, std::string& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NextOfLog(v1::SubscribeEventsResponse& header, std::string& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnSnapshot(Snapshot snapshot);

  // Constant after construction.
  Hub& hub_;
  Courier& courier_;
  Metrics& metrics_;
  const Clock& clock_;
  grpc::CallbackServerContext& context_;
  const SessionId subscription_id_;
  const bool is_after_restart_;
  const bool wants_enter_;
  const Slots::Slot subscription_slot_;

  std::shared_ptr<EventStream> self_;  // Until OnDone: gRPC holds a bare pointer.
  grpc::ByteBuffer writing_;           // Touched while no write is under way.

  absl::Mutex mutex_;
  EventReader reader_ ABSL_GUARDED_BY(mutex_);
  EventReader::Chunk chunk_ ABSL_GUARDED_BY(mutex_);
  enum class Phase : uint8_t { kFirst, kAwaitingSnapshot, kSnapshot, kLog };
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kFirst;
  Slots::Slot snapshot_slot_ ABSL_GUARDED_BY(mutex_);
  bool has_snapshot_ ABSL_GUARDED_BY(mutex_);
  std::optional<Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  size_t snapshot_pieces_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_write_millis_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_heartbeat_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> end_at_ ABSL_GUARDED_BY(mutex_);  // Finish once this is covered.
};

}  // namespace longwire
