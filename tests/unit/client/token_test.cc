#include "client/src/token.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace longwire::client::internal {
namespace {

class ClientTokenFile : public testing::Test {
 protected:
  ~ClientTokenFile() override { std::filesystem::remove(path_); }

  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  std::string TokenIn(const std::string& text) {
    Write(text);
    const auto read = ReadTokenFile(path_);
    const auto* token = std::get_if<Token>(&read);
    return token != nullptr ? token->text : "refused";
  }

  std::string WhyRefused(const std::string& text) {
    Write(text);
    const auto read = ReadTokenFile(path_);
    const auto* why = std::get_if<std::string>(&read);
    return why != nullptr ? *why : "taken";
  }

  const std::string path_ = testing::TempDir() + "/token." +
                            std::to_string(testing::UnitTest::GetInstance()->random_seed()) + "." +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ClientTokenFile, IsTakenWithoutTheWhiteSpaceAroundIt) {
  EXPECT_EQ(TokenIn("abc"), "abc");
  EXPECT_EQ(TokenIn("abc\n"), "abc");
  EXPECT_EQ(TokenIn(" \r\n\tabc.d-e_f/g==\r\n\n"), "abc.d-e_f/g==");
  EXPECT_EQ(TokenIn(std::string(kTokenBytesMax, 'x')), std::string(kTokenBytesMax, 'x'));
}

TEST_F(ClientTokenFile, IsRefusedInWordsWhereNoHeaderCouldCarryIt) {
  EXPECT_EQ(WhyRefused(""), path_ + " is empty");
  EXPECT_EQ(WhyRefused(" \n"), path_ + " is empty");
  const std::string not_ascii = "the token in " + path_ + " is not one word of plain ASCII";
  for (const std::string text :
       {"a b", "a\nb", "a\r\nX-Header: b", "gr\xC3\xBC\xC3\x9F", "a\x7F"}) {
    EXPECT_EQ(WhyRefused(text), not_ascii) << text;
  }
  EXPECT_EQ(WhyRefused(std::string("a\0b", 3)), not_ascii);
  EXPECT_EQ(WhyRefused(std::string(kTokenBytesMax + 1, 'x')),
            path_ + " is too long: 8192 bytes are the most");
}

TEST_F(ClientTokenFile, ThatCannotBeReadSaysWhy) {
  const auto missing = ReadTokenFile(path_ + ".missing");
  EXPECT_EQ(std::get<std::string>(missing),
            "cannot read " + path_ + ".missing: No such file or directory");
  const auto directory = ReadTokenFile(testing::TempDir());
  EXPECT_EQ(std::get<std::string>(directory),
            "cannot read " + testing::TempDir() + ": Is a directory");
}

TEST_F(ClientTokenFile, IsReadAgainEachTime) {
  Write("first\n");
  const TokenSource source("", path_);
  EXPECT_EQ(source.Get(), "first");
  Write("other\n");
  EXPECT_EQ(source.Get(), "other");
}

TEST_F(ClientTokenFile, LeavesTheLastTokenInUseWhileItHoldsNone) {
  const TokenSource source("given", path_);
  EXPECT_EQ(source.Get(), "given");
  Write("first\n");
  EXPECT_EQ(source.Get(), "first");
  Write("");
  EXPECT_EQ(source.Get(), "first");
  Write("not\none\n");
  EXPECT_EQ(source.Get(), "first");
  std::filesystem::remove(path_);
  EXPECT_EQ(source.Get(), "first");
  Write("second\n");
  EXPECT_EQ(source.Get(), "second");
}

TEST(ClientTokenSource, HasWhatItWasGivenUnlessNoHeaderCouldCarryIt) {
  EXPECT_EQ(TokenSource("abc", "").Get(), "abc");
  EXPECT_EQ(TokenSource("", "").Get(), "");
  EXPECT_EQ(TokenSource("abc\r\nx: y", "").Get(), "");
}

}  // namespace
}  // namespace longwire::client::internal
