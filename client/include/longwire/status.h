// What an answer of the gateway means to its caller.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

namespace longwire::client {

// The outcome of one call, or of one route of a batch. Choose what to do next by `code`, which
// the gateway picks for exactly that (see "A Route answer means something" in the contract):
//
//   OK                  in that session's outbox, in order
//   NOT_FOUND           that session is gone: forget it
//   RESOURCE_EXHAUSTED  its outbox is full: try later, or let it go
//   INVALID_ARGUMENT    can never succeed: a mistake of the caller
//   UNAVAILABLE         could not be reached: it may or may not have been delivered
//
// `reason` is the machine's word for the cause, out of the gateway's catalogue ("SESSION_GONE";
// trailer `longwire-reason`) or one of this library's own below; it may be empty, e.g. where no
// gateway was reached. `text` is for people and logs.
struct Status {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  std::string text;

  bool ok() const { return code == grpc::StatusCode::OK; }
  // One line: "OK", or "NOT_FOUND (SESSION_GONE): session 123 is not on any node".
  std::string ToString() const;
};

// Reasons that this library gives itself, beside the gateway's catalogue.
// The stream broke while the route was under way: it may or may not have been delivered.
inline constexpr std::string_view kReasonStreamBroken = "CLIENT_STREAM_BROKEN";
// The route never left this process: certainly not delivered.
inline constexpr std::string_view kReasonNotSent = "CLIENT_NOT_SENT";
// Something in the request is not valid UTF-8, or missing: it was not sent.
inline constexpr std::string_view kReasonInvalid = "CLIENT_INVALID";

// The upper-case name of a code, e.g. "NOT_FOUND"; "CODE_77" for one that gRPC does not know.
std::string CodeName(grpc::StatusCode code);

}  // namespace longwire::client
