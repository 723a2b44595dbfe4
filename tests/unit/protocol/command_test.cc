#include "server/protocol/command.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

namespace longwire {
namespace {

TEST(SplitCommand, SplitsAtTheFirstSpaceAndNowhereElse) {
  struct Row {
    std::string_view message, type, body;
  };
  const Row rows[] = {
      {"say hello you", "say", "hello you"},
      {"say", "say", ""},
      {"say ", "say", ""},
      {"", "", ""},
      {" ", "", ""},
      {" say hello", "", "say hello"},
      {"say  hello", "say", " hello"},
      {"say\thello you", "say\thello", "you"},
      {"say\nhello", "say\nhello", ""},
      {"s\xC3\xA9 \xF0\x9F\x98\x80", "s\xC3\xA9", "\xF0\x9F\x98\x80"},
      {std::string_view("a\0b c\0d", 7), std::string_view("a\0b", 3), std::string_view("c\0d", 3)},
      {"\xFF \xFE", "\xFF", "\xFE"},
  };
  for (const Row& row : rows) {
    const Command command = SplitCommand(row.message);
    EXPECT_EQ(command.type, row.type) << testing::PrintToString(row.message);
    EXPECT_EQ(command.body, row.body) << testing::PrintToString(row.message);
  }
}

TEST(SplitCommand, CopiesNothing) {
  const std::string message = "say hello";
  const Command command = SplitCommand(message);
  EXPECT_EQ(command.type.data(), message.data());
  EXPECT_EQ(command.body.data(), message.data() + 4);
}

TEST(CommandProtocol, GivesBackendsTheCommandApartFromTheBodyAndKeepsTheType) {
  const CommandProtocol protocol;
  std::string scratch;
  for (const MessageType type : {MessageType::kText, MessageType::kBinary}) {
    const auto decoded = protocol.Decode({type, "move 3 4"}, scratch);
    const auto& routed = std::get<RoutedMessage>(decoded);
    EXPECT_EQ(routed.command, "move");
    EXPECT_EQ(routed.message.body, "3 4");
    EXPECT_EQ(routed.message.type, type);
  }
}

TEST(CommandProtocol, SendsWhatBackendsSayAsItIs) {
  const CommandProtocol protocol;
  std::string scratch;
  const MessageView sent = protocol.Encode({MessageType::kBinary, "move 3 4"}, scratch);
  EXPECT_EQ(sent.body, "move 3 4");
  EXPECT_EQ(sent.type, MessageType::kBinary);
}

TEST(RawProtocol, ChangesNothingEitherWay) {
  const RawProtocol protocol;
  std::string scratch;
  const MessageView message{MessageType::kText, "move 3 4"};
  const auto decoded = protocol.Decode(message, scratch);
  const auto& routed = std::get<RoutedMessage>(decoded);
  EXPECT_EQ(routed.command, "");
  EXPECT_EQ(routed.message.body.data(), message.body.data());
  EXPECT_EQ(routed.message.body.size(), message.body.size());
  EXPECT_EQ(routed.message.type, MessageType::kText);
  EXPECT_EQ(protocol.Encode(message, scratch).body.data(), message.body.data());
}

}  // namespace
}  // namespace longwire
