#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "server/protocol/protocol_provider.h"

namespace longwire {

struct Command {
  std::string_view type;
  std::string_view body;
};

// "cmdType cmdBody", split at the first space: "say hello you" is {"say", "hello you"}. Without a
// space all of it is the type and the body is empty. Any bytes; the views point into `message`.
Command SplitCommand(std::string_view message);

// Whether a message is the command `auth`: "auth TOKEN". Where clients are authenticated it is the
// gateway's own and never reaches the backends.
bool IsAuthCommand(MessageView message);

// --protocol=command: a client's message starts with a command, which backends get apart from the
// body; messages to clients go as they are. The type of the frame is the type of the body.
class CommandProtocol final : public ProtocolProvider {
 public:
  std::variant<RoutedMessage, ProtocolViolation> Decode(MessageView received,
                                                        std::string& scratch) const override;
  MessageView Encode(MessageView message, std::string& scratch) const override;
};

}  // namespace longwire
