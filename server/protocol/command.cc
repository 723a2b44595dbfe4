#include "server/protocol/command.h"

namespace longwire {

Command SplitCommand(std::string_view message) {
  const size_t space = message.find(' ');
  if (space == std::string_view::npos) return {.type = message, .body = {}};
  return {.type = message.substr(0, space), .body = message.substr(space + 1)};
}

bool IsAuthCommand(MessageView message) {
  return message.type == MessageType::kText && SplitCommand(message.body).type == "auth";
}

std::variant<RoutedMessage, ProtocolViolation> CommandProtocol::Decode(MessageView received,
                                                                       std::string&) const {
  const Command command = SplitCommand(received.body);
  return RoutedMessage{.command = command.type, .message = {received.type, command.body}};
}

MessageView CommandProtocol::Encode(MessageView message, std::string&) const {
  return message;
}

}  // namespace longwire
