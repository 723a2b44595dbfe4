#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longwire {

// Text and binary are kept apart from end to end, as WebSocket keeps them (RFC 6455 5.6).
enum class MessageType : uint8_t { kText, kBinary };

// A message that somebody else's memory holds.
struct MessageView {
  MessageType type = MessageType::kText;
  std::string_view body;  // Text is valid UTF-8.
};

struct Message {
  MessageType type = MessageType::kText;
  std::string body;

  MessageView view() const { return {type, body}; }
};

}  // namespace longwire
