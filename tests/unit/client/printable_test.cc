#include "client/cli/printable.h"

#include <gtest/gtest.h>

namespace longwire::client::cli {
namespace {

TEST(CliPrintable, LeavesTextOfAllLanguagesAlone) {
  for (const char* text : {"", "plain text", "gr\xC3\xBC\xC3\x9F dich", "\xE4\xBD\xA0\xE5\xA5\xBD",
                           "\xF0\x9F\x91\x8B"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(CliPrintable, TakesTheTeethOutOfTerminalSequences) {
  EXPECT_EQ(Printable("\x1B[31mred"), "\\x1b[31mred");
  EXPECT_EQ(Printable("\x7F\x01"), "\\x7f\\x01");
  // A C1 control, of which some terminals take U+009B for "ESC [".
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "\\xc2\\x9b31m");
}

TEST(CliPrintable, KeepsOneEventOnOneLine) {
  EXPECT_EQ(Printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(Printable("back\\slash"), "back\\\\slash");
}

TEST(CliPrintable, ShowsBytesThatAreNoText) {
  EXPECT_EQ(Printable("a\xFF"
                      "b"),
            "a\\xffb");
  EXPECT_EQ(Printable("\xE2\x82"), "\\xe2\\x82");
  EXPECT_EQ(Printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");
}

TEST(CliHex, IsTwoDigitsAByte) {
  EXPECT_EQ(Hex(""), "");
  EXPECT_EQ(Hex(std::string_view("\x00\x0F\xFF", 3)), "000fff");
}

}  // namespace
}  // namespace longwire::client::cli
