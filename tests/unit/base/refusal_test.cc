#include "server/base/refusal.h"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace longwire {
namespace {

std::vector<Reason> AllReasons() {
  std::vector<Reason> all;
  for (int i = 0; i < static_cast<int>(Reason::kCount); ++i) all.push_back(static_cast<Reason>(i));
  return all;
}

TEST(Refusal, EveryReasonHasANameOfItsOwnInCapitals) {
  std::set<std::string> names;
  for (const Reason reason : AllReasons()) {
    const std::string name(ReasonName(reason));
    EXPECT_TRUE(names.insert(name).second) << name << " stands for two reasons";
    EXPECT_FALSE(name.empty());
    for (const char c : name) {
      EXPECT_TRUE(std::isupper(static_cast<unsigned char>(c)) || c == '_') << name;
    }
  }
}

// google.rpc.Code by what the caller should do next. Each code that a caller may see is a promise
// of the contract: OK would be a lie, INTERNAL and UNKNOWN tell nothing.
TEST(Refusal, EveryReasonHasACodeThatTellsWhatToDo) {
  const std::set<absl::StatusCode> sensible = {
      absl::StatusCode::kInvalidArgument,     // Never try that again.
      absl::StatusCode::kNotFound,            // The target is gone.
      absl::StatusCode::kResourceExhausted,   // Later.
      absl::StatusCode::kUnavailable,         // Elsewhere, or later.
      absl::StatusCode::kOutOfRange,          // From another place.
      absl::StatusCode::kFailedPrecondition,  // When something else has changed.
      absl::StatusCode::kAborted,             // Anew, from the start.
      absl::StatusCode::kUnauthenticated};    // With the right token.
  for (const Reason reason : AllReasons()) {
    EXPECT_TRUE(sensible.contains(ReasonCode(reason))) << ReasonName(reason);
  }
}

TEST(Refusal, TheContractsReasonsKeepTheirCodes) {
  const std::map<std::string, absl::StatusCode> contract = {
      {"TARGET_MISSING", absl::StatusCode::kInvalidArgument},
      {"UID_EMPTY", absl::StatusCode::kInvalidArgument},
      {"MESSAGE_MISSING", absl::StatusCode::kInvalidArgument},
      {"MESSAGE_TOO_BIG", absl::StatusCode::kInvalidArgument},
      {"SESSION_GONE", absl::StatusCode::kNotFound},
      {"UID_OFFLINE", absl::StatusCode::kNotFound},
      {"OUTBOX_FULL", absl::StatusCode::kResourceExhausted},
      {"GATEWAY_BUSY", absl::StatusCode::kResourceExhausted},
      {"GATEWAY_DRAINING", absl::StatusCode::kUnavailable},
      {"BAD_CLOSE_CODE", absl::StatusCode::kInvalidArgument},
      {"BAD_CLOSE_REASON", absl::StatusCode::kInvalidArgument},
      {"BAD_EVENT_TYPE", absl::StatusCode::kInvalidArgument},
      {"START_INVALID", absl::StatusCode::kInvalidArgument},
      {"CURSOR_BEYOND_HEAD", absl::StatusCode::kOutOfRange},
      {"BAD_CURSOR", absl::StatusCode::kInvalidArgument},
      {"BAD_GROUP_NAME", absl::StatusCode::kInvalidArgument},
      {"GROUP_MISMATCH", absl::StatusCode::kFailedPrecondition},
      {"MEMBER_EXPIRED", absl::StatusCode::kAborted},
      {"SUBSCRIPTION_GONE", absl::StatusCode::kNotFound},
      {"ACK_INVALID", absl::StatusCode::kInvalidArgument},
      {"AUDIENCE_MISSING", absl::StatusCode::kInvalidArgument},
      {"BAD_TOPIC_NAME", absl::StatusCode::kInvalidArgument},
      {"TOO_MANY_TOPICS", absl::StatusCode::kFailedPrecondition},
      {"BAD_PAGE_TOKEN", absl::StatusCode::kInvalidArgument},
  };
  std::map<std::string, absl::StatusCode> ours;
  for (const Reason reason : AllReasons())
    ours[std::string(ReasonName(reason))] = ReasonCode(reason);
  for (const auto& [name, code] : contract) {
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_EQ(ours[name], code) << name;
  }
}

TEST(Refusal, TheTextBeginsWithTheReason) {
  const Refusal refusal{Reason::kSessionGone, "session 123 is not on any node"};
  EXPECT_EQ(refusal.ToString(), "SESSION_GONE: session 123 is not on any node");
  EXPECT_EQ(refusal.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace longwire
