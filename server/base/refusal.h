#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace longwire {

// Every reason for which a gRPC caller is refused. The name on the wire is the enumerator's words
// in capitals: kSessionGone is SESSION_GONE. What the caller should do next decides the code.
enum class Reason : uint8_t {
  kTargetMissing,
  kUidEmpty,
  kUidInvalid,
  kMessageMissing,
  kMessageTooBig,
  kBatchTooBig,
  kSessionGone,
  kUidOffline,
  kOutboxFull,
  kGatewayBusy,
  kGatewayDraining,
  kBadCloseCode,
  kBadCloseReason,
  kBadEventType,
  kStartInvalid,
  kBadCursor,
  kCursorBeyondHead,
  kBadGroupName,
  kGroupMismatch,
  kMemberExpired,
  kSubscriptionGone,
  kAckInvalid,
  kAudienceMissing,
  kBadTopicName,
  kTooManyTopics,
  kBadPageToken,
  kCallerUnauthenticated,
  kCount,
};

// "SESSION_GONE": the trailer `longwire-reason`, the start of the error's text, and the label of
// the counter longwire_refusals_total.
std::string_view ReasonName(Reason reason);
absl::StatusCode ReasonCode(Reason reason);

// A refusal on its way to a caller.
struct Refusal {
  Reason reason;
  std::string text;  // What was refused and why, for a person: "session 123 is not on any node".

  absl::StatusCode code() const { return ReasonCode(reason); }
  // "SESSION_GONE: session 123 is not on any node"
  std::string ToString() const;
};

}  // namespace longwire
