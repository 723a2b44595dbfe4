#include "route_check.h"

#include "utf8.h"

namespace longwire::client::internal {

namespace {

template <typename Request>
std::string WhyTargetInvalid(const Request& request) {
  if (request.has_session_id()) return "";
  if (request.uid().empty()) return "the uid is empty";
  if (!IsUtf8(request.uid())) return "the uid is not valid UTF-8";
  return "";
}

}  // namespace

std::string WhyInvalid(const v1::RouteRequest& request) {
  if (std::string why = WhyTargetInvalid(request); !why.empty()) return why;
  switch (request.message().body_case()) {
    case v1::Message::BODY_NOT_SET:
      return "the message has no body";
    case v1::Message::kText:
      if (!IsUtf8(request.message().text())) {
        return "the text is not valid UTF-8; send it as a binary message";
      }
      return "";
    case v1::Message::kBinary:
      return "";
  }
  return "";
}

std::string WhyInvalid(const v1::KickRequest& request) {
  if (std::string why = WhyTargetInvalid(request); !why.empty()) return why;
  return IsUtf8(request.close_reason()) ? "" : "the close reason is not valid UTF-8";
}

}  // namespace longwire::client::internal
