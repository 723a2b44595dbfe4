#include "route_check.h"

#include <algorithm>

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

std::string WhyMessageInvalid(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::BODY_NOT_SET:
      return "the message has no body";
    case v1::Message::kText:
      if (!IsUtf8(message.text())) {
        return "the text is not valid UTF-8; send it as a binary message";
      }
      return "";
    case v1::Message::kBinary:
      return "";
  }
  return "";
}

template <typename Strings>
bool AreUtf8(const Strings& strings) {
  return std::all_of(strings.begin(), strings.end(),
                     [](const std::string& string) { return IsUtf8(string); });
}

}  // namespace

std::string WhyInvalid(const v1::RouteRequest& request) {
  if (std::string why = WhyTargetInvalid(request); !why.empty()) return why;
  return WhyMessageInvalid(request.message());
}

std::string WhyInvalid(const v1::KickRequest& request) {
  if (std::string why = WhyTargetInvalid(request); !why.empty()) return why;
  return IsUtf8(request.close_reason()) ? "" : "the close reason is not valid UTF-8";
}

std::string WhyInvalid(const v1::BroadcastRequest& request) {
  if (!IsUtf8(request.topic())) return "the topic is not valid UTF-8";
  if (!AreUtf8(request.uids().uids())) return "a uid is not valid UTF-8";
  return WhyMessageInvalid(request.message());
}

std::string WhyInvalid(const v1::UpdateTopicsRequest& request) {
  if (AreUtf8(request.join()) && AreUtf8(request.leave())) return "";
  return "a topic is not valid UTF-8";
}

std::string WhyInvalid(const v1::ListSessionsRequest& request) {
  if (!IsUtf8(request.uid())) return "the uid is not valid UTF-8";
  if (!IsUtf8(request.topic())) return "the topic is not valid UTF-8";
  return IsUtf8(request.page_token()) ? "" : "the page token is not valid UTF-8";
}

}  // namespace longwire::client::internal
