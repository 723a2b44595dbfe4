#pragma once

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "longwire/v1/gateway.grpc.pb.h"
#include "longwire/v1/types.pb.h"

namespace longwire::test {

v1::Message TextMessage(std::string text);
v1::Message BinaryMessage(std::string bytes);

v1::RouteRequest RouteTo(int64_t session_id, v1::Message message);
v1::RouteRequest RouteTo(const std::string& uid, v1::Message message);
v1::KickRequest KickOf(int64_t session_id, uint32_t close_code = 0, std::string reason = {});
v1::KickRequest KickOf(const std::string& uid, uint32_t close_code = 0, std::string reason = {});

// What one call came to.
struct RpcOutcome {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;  // The trailer `longwire-reason`.
  std::string text;
  uint32_t session_count = 0;
  uint32_t failed_count = 0;

  bool ok() const { return code == grpc::StatusCode::OK; }
};
void PrintTo(const RpcOutcome& outcome, std::ostream* os);

// Each call has a deadline of its own: a gateway that never answers fails the test, not the run.
RpcOutcome Route(v1::Gateway::Stub& stub, const v1::RouteRequest& request);
RpcOutcome Kick(v1::Gateway::Stub& stub, const v1::KickRequest& request);
RpcOutcome AckEvents(v1::Gateway::Stub& stub, const v1::AckEventsRequest& request);

void SetDeadline(grpc::ClientContext& context);
std::string ReasonOf(const grpc::ClientContext& context);

// Refused with this code, and with this reason both as trailer and at the start of the text.
MATCHER_P2(IsRefusal, code, reason, std::string("is refused with the reason ") + reason) {
  return arg.code == code && arg.reason == reason &&
         arg.text.starts_with(std::string(reason) + ": ");
}
MATCHER_P(ReachedSessions, count, "is OK for " + ::testing::PrintToString(count) + " session(s)") {
  return arg.ok() && arg.session_count == static_cast<uint32_t>(count);
}

}  // namespace longwire::test
