#include "server/api/push_message.h"

#include <fmt/format.h>

namespace longwire {

std::optional<Refusal> EncodePush(const v1::Message& message, const ProtocolProvider& protocol,
                                  const PushLimits& limits, std::string& scratch,
                                  MessageView& encoded) {
  MessageView given;
  switch (message.body_case()) {
    case v1::Message::kText:
      given = {MessageType::kText, message.text()};
      break;
    case v1::Message::kBinary:
      given = {MessageType::kBinary, message.binary()};
      break;
    case v1::Message::BODY_NOT_SET:
      return Refusal{Reason::kMessageMissing, "the message has neither text nor binary"};
  }
  encoded = protocol.Encode(given, scratch);
  if (encoded.body.size() <= limits.message_bytes_max) return std::nullopt;
  return Refusal{Reason::kMessageTooBig,
                 fmt::format("the message has {} bytes, --message-bytes-max is {}",
                             encoded.body.size(), limits.message_bytes_max)};
}

}  // namespace longwire
