#include "server/core/name.h"

#include <gtest/gtest.h>

#include <string>

#include "server/base/limits.h"

namespace longwire {
namespace {

TEST(IsValidName, TakesTheCharactersThatTheContractNamesAndNoOthers) {
  const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  for (int c = 0; c < 256; ++c) {
    const std::string name(1, static_cast<char>(c));
    const bool is_allowed = allowed.find(name) != std::string::npos;
    EXPECT_EQ(IsValidName(name), is_allowed) << c;
    EXPECT_EQ(IsValidName("room" + name + "1"), is_allowed) << c;
  }
}

TEST(IsValidName, TakesOneTo64Characters) {
  EXPECT_FALSE(IsValidName(""));
  EXPECT_TRUE(IsValidName("r"));
  EXPECT_TRUE(IsValidName(std::string(kNameBytesMax, 'r')));
  EXPECT_FALSE(IsValidName(std::string(kNameBytesMax + 1, 'r')));
}

}  // namespace
}  // namespace longwire
