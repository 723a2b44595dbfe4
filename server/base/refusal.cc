#include "server/base/refusal.h"

#include <array>

namespace longwire {
namespace {

struct Row {
  Reason reason;
  std::string_view name;
  absl::StatusCode code;
};

constexpr std::array kRows = {
    Row{Reason::kTargetMissing, "TARGET_MISSING", absl::StatusCode::kInvalidArgument},
    Row{Reason::kUidEmpty, "UID_EMPTY", absl::StatusCode::kInvalidArgument},
    Row{Reason::kUidInvalid, "UID_INVALID", absl::StatusCode::kInvalidArgument},
    Row{Reason::kMessageMissing, "MESSAGE_MISSING", absl::StatusCode::kInvalidArgument},
    Row{Reason::kMessageTooBig, "MESSAGE_TOO_BIG", absl::StatusCode::kInvalidArgument},
    Row{Reason::kBatchTooBig, "BATCH_TOO_BIG", absl::StatusCode::kInvalidArgument},
    Row{Reason::kSessionGone, "SESSION_GONE", absl::StatusCode::kNotFound},
    Row{Reason::kUidOffline, "UID_OFFLINE", absl::StatusCode::kNotFound},
    Row{Reason::kOutboxFull, "OUTBOX_FULL", absl::StatusCode::kResourceExhausted},
    Row{Reason::kGatewayBusy, "GATEWAY_BUSY", absl::StatusCode::kResourceExhausted},
    Row{Reason::kGatewayDraining, "GATEWAY_DRAINING", absl::StatusCode::kUnavailable},
    Row{Reason::kBadCloseCode, "BAD_CLOSE_CODE", absl::StatusCode::kInvalidArgument},
    Row{Reason::kBadCloseReason, "BAD_CLOSE_REASON", absl::StatusCode::kInvalidArgument},
    Row{Reason::kBadEventType, "BAD_EVENT_TYPE", absl::StatusCode::kInvalidArgument},
    Row{Reason::kStartInvalid, "START_INVALID", absl::StatusCode::kInvalidArgument},
    Row{Reason::kBadCursor, "BAD_CURSOR", absl::StatusCode::kInvalidArgument},
    Row{Reason::kCursorBeyondHead, "CURSOR_BEYOND_HEAD", absl::StatusCode::kOutOfRange},
    Row{Reason::kBadGroupName, "BAD_GROUP_NAME", absl::StatusCode::kInvalidArgument},
    Row{Reason::kGroupMismatch, "GROUP_MISMATCH", absl::StatusCode::kFailedPrecondition},
    Row{Reason::kMemberExpired, "MEMBER_EXPIRED", absl::StatusCode::kAborted},
    Row{Reason::kSubscriptionGone, "SUBSCRIPTION_GONE", absl::StatusCode::kNotFound},
    Row{Reason::kAckInvalid, "ACK_INVALID", absl::StatusCode::kInvalidArgument},
    Row{Reason::kAudienceMissing, "AUDIENCE_MISSING", absl::StatusCode::kInvalidArgument},
    Row{Reason::kBadTopicName, "BAD_TOPIC_NAME", absl::StatusCode::kInvalidArgument},
    Row{Reason::kTooManyTopics, "TOO_MANY_TOPICS", absl::StatusCode::kFailedPrecondition},
    Row{Reason::kBadPageToken, "BAD_PAGE_TOKEN", absl::StatusCode::kInvalidArgument},
    Row{Reason::kCallerUnauthenticated, "CALLER_UNAUTHENTICATED",
        absl::StatusCode::kUnauthenticated},
};
static_assert(kRows.size() == static_cast<size_t>(Reason::kCount));

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].reason != static_cast<Reason>(i)) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

}  // namespace

std::string_view ReasonName(Reason reason) {
  return kRows[static_cast<size_t>(reason)].name;
}

absl::StatusCode ReasonCode(Reason reason) {
  return kRows[static_cast<size_t>(reason)].code;
}

std::string Refusal::ToString() const {
  std::string all(ReasonName(reason));
  all += ": ";
  all += text;
  return all;
}

}  // namespace longwire
