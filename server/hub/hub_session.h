#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "longwire/v1/types.pb.h"
#include "server/core/message.h"
#include "server/core/partition.h"
#include "server/core/session_id.h"
#include "server/hub/shared_frame.h"

namespace longwire {

// What became of one message for one session. Each is an answer to the caller; none is a bool.
enum class Delivery : uint8_t {
  kQueued,     // In the outbox, behind what was there.
  kFull,       // This session's outbox has no room now.
  kTotalFull,  // All outboxes together have no room now.
  kGone,       // There is no such session.
};

// How often each has come of one message, or of many.
struct DeliveryCounts {
  uint32_t taken = 0;
  uint32_t full = 0;
  uint32_t total_full = 0;
  uint32_t gone = 0;

  void Add(Delivery delivery) {
    switch (delivery) {
      case Delivery::kQueued:
        ++taken;
        return;
      case Delivery::kFull:
        ++full;
        return;
      case Delivery::kTotalFull:
        ++total_full;
        return;
      case Delivery::kGone:
        ++gone;
        return;
    }
  }
  void Add(const DeliveryCounts& other) {
    taken += other.taken;
    full += other.full;
    total_full += other.total_full;
    gone += other.gone;
  }
};

// What the hub needs to know of a session. The edge implements it; a test may.
// All calls come on the loop of the session's shard.
class HubSession {
 public:
  virtual ~HubSession() = default;

  virtual SessionId id() const = 0;
  virtual std::string_view uid() const = 0;  // Empty = anonymous.
  // Where its events go: Shard::PartitionOf its uid and ID.
  virtual PartitionNumber partition() const = 0;

  [[nodiscard]] virtual Delivery Deliver(MessageView message) = 0;
  // The same for a message that goes to many sessions: its frame is not copied for each, but it
  // takes its whole size of this session's outbox. REQUIRES: not null.
  [[nodiscard]] virtual Delivery Deliver(const SharedFrame& frame) = 0;

  // Ends the session for a backend: what is queued is sent first, then a Close frame. Its LEAVE is
  // written when the call returns. REQUIRES: IsKickCode(close_code), a reason of at most
  // kCloseReasonBytesMax.
  virtual void Kick(uint16_t close_code, std::string_view close_reason, bool silent) = 0;

  // Ends the session since the node goes down: 1001, LEAVE{DRAINED}.
  virtual void Drain() = 0;

  // The uid is this session's now: it enters.
  virtual void OnClaimGranted() = 0;
  // A newer login of the uid: an entered session leaves, one that still waits gives up.
  virtual void OnEvicted() = 0;

  // Fills everything but node_id and topics.
  virtual void Describe(v1::Session& session) const = 0;
};

}  // namespace longwire
