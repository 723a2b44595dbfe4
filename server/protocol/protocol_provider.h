#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/core/message.h"

namespace longwire {

// A client's message as the backends will see it.
struct RoutedMessage {
  std::string_view command;  // UTF-8; empty when the protocol has no commands.
  MessageView message;
};

// The client broke the wire protocol: it is closed.
struct ProtocolViolation {
  uint16_t close_code = 1008;  // One that a Close frame may carry.
  std::string text;            // The close reason, cut to 123 bytes.
};

// What clients and the gateway speak inside WebSocket messages. Implement it to bring your own
// framing, and hand it to Gateway::Start. Both calls may come from several threads at once and must
// not block.
class ProtocolProvider {
 public:
  virtual ~ProtocolProvider() = default;

  // Turns what a client sent into what the backends get. The views of the answer may point into
  // `received` or into `scratch` (empty at the call). Text that the answer carries and that is not
  // valid UTF-8 closes the session with 1007.
  virtual std::variant<RoutedMessage, ProtocolViolation> Decode(MessageView received,
                                                                std::string& scratch) const = 0;

  // Turns a backend's message into what the client gets: frame type and bytes. The answer may point
  // into `message` or into `scratch` (empty at the call). REQUIRES: text stays valid UTF-8.
  virtual MessageView Encode(MessageView message, std::string& scratch) const = 0;
};

// --protocol=raw: a message is a message.
class RawProtocol final : public ProtocolProvider {
 public:
  std::variant<RoutedMessage, ProtocolViolation> Decode(MessageView received,
                                                        std::string&) const override {
    return RoutedMessage{.command = {}, .message = received};
  }
  MessageView Encode(MessageView message, std::string&) const override { return message; }
};

}  // namespace longwire
