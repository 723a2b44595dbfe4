#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "longwire/v1/gateway.grpc.pb.h"
#include "server/api/courier.h"
#include "server/api/event_stream_plan.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/base/refusal.h"
#include "server/base/slots.h"
#include "server/events/consumer_groups.h"
#include "server/events/event_feed.h"
#include "server/hub/hub.h"
#include "server/hub/snapshot.h"

namespace longwire {

// What a subscription ends with when the gateway goes down.
Refusal DrainingRefusal();

class EventStream;
// The subscriptions that are open, by their ID. Only on the courier's thread.
using Subscriptions = absl::flat_hash_map<SessionId, EventStream*>;

// What every stream works with. All outlive it.
struct EventStreamContext {
  Hub& hub;
  ConsumerGroups& groups;
  Subscriptions& subscriptions;
  Courier& courier;
  Metrics& metrics;
  const Clock& clock;
};

// The places a stream takes for as long as it needs them.
struct EventStreamSlots {
  Slots::Slot subscription;
  Slots::Slot snapshot;  // Empty without one.
};

// One SubscribeEvents call. It has one write under way at the most: a subscriber that reads slowly
// only falls behind in the log, and costs no more than that write.
//
// It lives on the courier's thread: what gRPC calls back is posted there, so nothing in it, nor in
// the group it is a member of, has a lock.
//
// Responses are put together as bytes: the header is a small SubscribeEventsResponse, and the
// events follow as they stand in the log.
class EventStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public CourierStream,
                          public std::enable_shared_from_this<EventStream> {
 public:
  // Any thread.
  static EventStream* Start(const EventStreamContext& context, grpc::CallbackServerContext& call,
                            EventStreamPlan plan, EventStreamSlots slots);
  ~EventStream() override;

  // CourierStream
  void Pump() override;
  void Tick() override;

  // Ends the stream, with GATEWAY_DRAINING, once everything in the log now is written, and, with
  // manual_ack, acknowledged.
  void EndWhenDelivered();

  // AckEvents for this subscription.
  std::optional<Refusal> Acknowledge(const v1::AckEventsRequest& request);

  // gRPC's threads.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Phase : uint8_t { kJoining, kFirst, kAwaitingSnapshot, kSnapshot, kLog };

  EventStream(const EventStreamContext& context, grpc::CallbackServerContext& call,
              EventStreamPlan plan, EventStreamSlots slots);

  void Open();
  void JoinGroup();
  void OnJoined(const std::optional<Refusal>& refusal);
  void OnSnapshot(Snapshot snapshot);
  void OnWritten(bool ok);
  void OnExpired();
  // Tells the operator that a member was too slow.
  void NoteExpiry();
  void PumpSoon();

  // The next response, or nothing when there is nothing to tell.
  bool NextResponse(grpc::ByteBuffer& response);
  void FirstHeader(v1::SubscribeEventsResponse& header);
  bool NextOfSnapshot(v1::SubscribeEventsResponse& header, std::string& events);
  bool NextOfLog(v1::SubscribeEventsResponse& header, std::string& events);
  void TellGap(v1::SubscribeEventsResponse& header);
  uint64_t covered() const;
  bool HasDeliveredAll() const;
  void End(grpc::Status status);

  // Constant after construction.
  const EventStreamContext context_;
  grpc::CallbackServerContext& call_;
  const EventStreamPlan plan_;
  const SessionId subscription_id_;
  const Slots::Slot subscription_slot_;

  std::shared_ptr<EventStream> self_;  // Until OnDone: gRPC holds a bare pointer.

  // Only on the courier's thread.
  grpc::ByteBuffer writing_;
  EventFeed feed_;
  EventFeed::Chunk chunk_;
  std::shared_ptr<ConsumerGroup> group_;  // Null without one.
  Phase phase_;
  Slots::Slot snapshot_slot_;
  std::optional<Snapshot> snapshot_;
  size_t snapshot_pieces_sent_ = 0;
  int64_t last_write_millis_ = 0;
  uint64_t covered_told_ = 0;
  bool is_heartbeat_due_ = false;
  bool is_pump_posted_ = false;
  bool is_writing_ = false;
  bool is_expired_ = false;
  bool is_broken_ = false;
  bool is_finished_ = false;
  std::optional<uint64_t> end_at_;  // Finish once this is delivered.
};

}  // namespace longwire
