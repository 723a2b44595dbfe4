// Fuzzes what --protocol=command does with a client's message. An input is the message.
#include "server/protocol/command.h"

#include <string>
#include <string_view>
#include <variant>

#include "tests/fuzz/fuzz_input.h"

using longwire::Command;
using longwire::CommandProtocol;
using longwire::MessageView;
using longwire::Require;
using longwire::RoutedMessage;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const Command command = longwire::SplitCommand(message);
  Require(command.type.find(' ') == std::string_view::npos, "a type has no space");
  const bool has_space = message.find(' ') != std::string_view::npos;
  const std::string joined =
      std::string(command.type).append(has_space ? " " : "").append(command.body);
  Require(joined == message, "type and body are the message again");

  const CommandProtocol protocol;
  std::string scratch;
  const MessageView received{.body = message};
  const auto decoded = protocol.Decode(received, scratch);
  const auto* routed = std::get_if<RoutedMessage>(&decoded);
  Require(routed != nullptr, "any message has a command");
  Require(routed->command == command.type && routed->message.body == command.body,
          "the protocol splits as SplitCommand does");
  Require(protocol.Encode(received, scratch).body == message, "messages to clients go as they are");
  return 0;
}
