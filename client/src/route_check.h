// What can be refused before it is sent.
#pragma once

#include <string>

#include "longwire/v1/gateway.pb.h"

namespace longwire::client::internal {

// Empty if the request may be sent, else why the gateway could only refuse it. Checked here since
// one string that is not UTF-8 makes the gateway unable to read the whole batch around it.
std::string WhyInvalid(const v1::RouteRequest& request);
std::string WhyInvalid(const v1::KickRequest& request);
std::string WhyInvalid(const v1::BroadcastRequest& request);
std::string WhyInvalid(const v1::UpdateTopicsRequest& request);
std::string WhyInvalid(const v1::ListSessionsRequest& request);
// Numbers cannot be wrong on the wire.
inline std::string WhyInvalid(const v1::GetSessionRequest&) {
  return "";
}
inline std::string WhyInvalid(const v1::AckEventsRequest&) {
  return "";
}

}  // namespace longwire::client::internal
