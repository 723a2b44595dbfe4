#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longwire {

// Why a session ended. The numbers are the contract's (longwire.v1.LeaveReason).
enum class LeaveReason : uint8_t {
  kClientClosed = 1,
  kConnectionLost = 2,
  kKicked = 3,
  kDuplicateLogin = 4,
  kKeepaliveTimeout = 5,
  kSlowConsumer = 6,
  kProtocolError = 7,
  kMessageTooBig = 8,
  kRateLimited = 9,
  kTokenExpired = 10,
  kDrained = 11,
  kNodeLost = 12,
};

// The value of the label `reason` in logs and metrics: "client_closed", ...
std::string_view LeaveReasonLabel(LeaveReason reason);

// Close codes as RFC 6455 7.4.1 and the IANA registry name them, and longwire's own (4xxx).
enum class CloseCode : uint16_t {
  kNone = 0,  // A Close frame without a code.
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNoStatus = 1005,  // Told in LEAVE, never sent: the Close frame had no code.
  kAbnormal = 1006,  // Told in LEAVE, never sent: there was no Close frame.
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kMessageTooBig = 1009,
  kInternalError = 1011,
  kServiceRestart = 1012,
  kTryAgainLater = 1013,
  kUnauthenticated = 4401,
  kForbidden = 4403,
  kAuthTimeout = 4408,
  kDuplicateLogin = 4409,
};

// True for what a backend may give to Kick: 1000, 1001, 1008, 1011 to 1013, 3000 to 4999.
bool IsKickCode(uint32_t code);

// The reason as a Close frame can carry it: cut to kCloseReasonBytesMax, where a code point ends
// (RFC 6455 5.5). REQUIRES: UTF-8.
std::string_view CutCloseReason(std::string_view reason);

// How a session ended, as its LEAVE tells it.
struct Leave {
  LeaveReason reason = LeaveReason::kConnectionLost;
  uint16_t close_code = static_cast<uint16_t>(CloseCode::kAbnormal);
  std::string close_reason;  // Valid UTF-8.
  bool silent = false;
};

// A LEAVE that the gateway decides; of the text, what a Close frame has room for.
Leave MakeLeave(LeaveReason reason, CloseCode code, std::string_view text);

}  // namespace longwire
