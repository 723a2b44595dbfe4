#include "server/api/caller_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/certificates.h"

namespace longwire {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CallerTokensTest : public ::testing::Test {
 protected:
  std::unique_ptr<CallerTokens> Load(const std::string& contents) {
    auto tokens = CallerTokens::Load(dir_.Write("tokens", contents));
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    return *std::move(tokens);
  }
  std::string LoadError(const std::string& contents) {
    const auto tokens = CallerTokens::Load(dir_.Write("tokens", contents));
    return tokens.ok() ? "" : std::string(tokens.status().message());
  }
  // The text of the refusal; empty when the caller is let in.
  static std::string Refused(const CallerTokens& tokens,
                             const std::vector<std::string_view>& authorizations) {
    const std::optional<Refusal> refusal = tokens.Check(authorizations);
    if (!refusal) return "";
    EXPECT_EQ(refusal->reason, Reason::kCallerUnauthenticated);
    EXPECT_EQ(refusal->code(), absl::StatusCode::kUnauthenticated);
    return refusal->text;
  }

  const TempDir dir_;
};

TEST_F(CallerTokensTest, LetsInWhoeverHasOneOfTheTokens) {
  const auto tokens = Load("first-token\nsecond-token\n");
  EXPECT_EQ(Refused(*tokens, {"Bearer first-token"}), "");
  EXPECT_EQ(Refused(*tokens, {"Bearer second-token"}), "");
  EXPECT_EQ(Refused(*tokens, {"bearer second-token"}), "") << "RFC 9110 11.1: in any case";
}

TEST_F(CallerTokensTest, RefusesWhateverIsNotExactlyAToken) {
  const auto tokens = Load("first-token\nsecond-token\n");
  for (const char* wrong :
       {"Bearer first-toke", "Bearer first-tokenx", "Bearer FIRST-TOKEN", "Bearer  first-token",
        "Bearer first-token ", "Bearer ", "Bearer first-token\nsecond-token",
        "Bearer first-token,second-token"}) {
    EXPECT_THAT(Refused(*tokens, {wrong}), HasSubstr("none of this gateway's")) << wrong;
  }
}

TEST_F(CallerTokensTest, SaysWhatIsMissing) {
  const auto tokens = Load("first-token");
  EXPECT_THAT(Refused(*tokens, {}), HasSubstr("send the metadata `authorization: Bearer TOKEN`"));
  for (const char* scheme :
       {"first-token", "Basic first-token", "Bearer", "", "Bearerfirst-token"}) {
    EXPECT_THAT(Refused(*tokens, {scheme}), HasSubstr("no other scheme")) << scheme;
  }
  EXPECT_THAT(Refused(*tokens, {"Bearer first-token", "Bearer first-token"}),
              HasSubstr("more than once"));
}

TEST_F(CallerTokensTest, PassesOverCommentsEmptyLinesAndCarriageReturns) {
  const auto tokens = Load("# the old one, until June\r\n\r\nfirst-token\r\n\n#second-token");
  EXPECT_EQ(Refused(*tokens, {"Bearer first-token"}), "");
  EXPECT_NE(Refused(*tokens, {"Bearer second-token"}), "");
  EXPECT_NE(Refused(*tokens, {"Bearer #second-token"}), "");
  EXPECT_NE(Refused(*tokens, {"Bearer "}), "") << "an empty line is no token";
}

TEST_F(CallerTokensTest, NamesTheLineThatIsWrongButNotWhatIsInIt) {
  EXPECT_THAT(LoadError("good\nsecret with blanks\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("/tokens"), Not(HasSubstr("secret"))));
  EXPECT_THAT(LoadError("good\n\nsch\xC3\xB6n\n"), HasSubstr("line 3"));
  EXPECT_THAT(LoadError(std::string(5'000, 'x')), HasSubstr("line 1"));
  EXPECT_THAT(LoadError(""), HasSubstr("holds no token"));
  EXPECT_THAT(LoadError("# nothing\n"), HasSubstr("holds no token"));
}

TEST_F(CallerTokensTest, KnowsTheNewTokensAfterAReloadAndTheOldOnesNoMore) {
  const auto tokens = Load("old-token\n");
  dir_.Write("tokens", "new-token\n");
  EXPECT_EQ(Refused(*tokens, {"Bearer old-token"}), "");
  ASSERT_TRUE(tokens->Reload().ok());
  EXPECT_NE(Refused(*tokens, {"Bearer old-token"}), "");
  EXPECT_EQ(Refused(*tokens, {"Bearer new-token"}), "");
}

TEST_F(CallerTokensTest, KeepsItsTokensWhenTheFileIsNoGoodAnyMore) {
  const auto tokens = Load("old-token\n");
  dir_.Write("tokens", "");
  EXPECT_FALSE(tokens->Reload().ok());
  EXPECT_EQ(Refused(*tokens, {"Bearer old-token"}), "");
}

}  // namespace
}  // namespace longwire
