#include "longwire/cursor.h"

#include <gtest/gtest.h>

namespace longwire::client {
namespace {

TEST(ClientCursor, ComesBackFromItsText) {
  const Cursor cursor{.log_id = "a:b-1", .sequence = 18446744073709551615ULL};
  EXPECT_EQ(cursor.ToString(), "a:b-1:18446744073709551615");
  EXPECT_EQ(Cursor::Parse(cursor.ToString()), cursor);
}

TEST(ClientCursor, RefusesWhatIsNone) {
  for (const char* text : {"", "log", ":5", "log:", "log:x", "log:-1", "log: 5", "log:5 ",
                           "log:18446744073709551616"}) {
    EXPECT_EQ(Cursor::Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace longwire::client
