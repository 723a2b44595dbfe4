#include "server/core/leave.h"

#include "server/base/limits.h"

namespace longwire {

std::string_view LeaveReasonLabel(LeaveReason reason) {
  switch (reason) {
    case LeaveReason::kClientClosed:
      return "client_closed";
    case LeaveReason::kConnectionLost:
      return "connection_lost";
    case LeaveReason::kKicked:
      return "kicked";
    case LeaveReason::kDuplicateLogin:
      return "duplicate_login";
    case LeaveReason::kKeepaliveTimeout:
      return "keepalive_timeout";
    case LeaveReason::kSlowConsumer:
      return "slow_consumer";
    case LeaveReason::kProtocolError:
      return "protocol_error";
    case LeaveReason::kMessageTooBig:
      return "message_too_big";
    case LeaveReason::kRateLimited:
      return "rate_limited";
    case LeaveReason::kTokenExpired:
      return "token_expired";
    case LeaveReason::kDrained:
      return "drained";
    case LeaveReason::kNodeLost:
      return "node_lost";
  }
  return "unknown";
}

bool IsKickCode(uint32_t code) {
  return code == 1000 || code == 1001 || code == 1008 || (code >= 1011 && code <= 1013) ||
         (code >= 3000 && code <= 4999);
}

std::string_view CutCloseReason(std::string_view reason) {
  if (reason.size() <= kCloseReasonBytesMax) return reason;
  size_t end = kCloseReasonBytesMax;
  while (end > 0 && (static_cast<uint8_t>(reason[end]) & 0xC0) == 0x80) --end;
  return reason.substr(0, end);
}

Leave MakeLeave(LeaveReason reason, CloseCode code, std::string_view text) {
  return {.reason = reason,
          .close_code = static_cast<uint16_t>(code),
          .close_reason = std::string(CutCloseReason(text))};
}

}  // namespace longwire
