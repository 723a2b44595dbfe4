#include "server/core/leave.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <string_view>

#include "longwire/v1/types.pb.h"
#include "server/base/limits.h"
#include "server/base/utf8.h"

namespace longwire {
namespace {

// From here to the next row's code the answer is the same.
TEST(Leave, ABackendMayKickWithTheContractsCodesAndNoOther) {
  struct Row {
    uint32_t from;
    bool is_kick_code;
  };
  constexpr Row kRows[] = {{0, false},   {1000, true},  {1002, false}, {1008, true}, {1009, false},
                           {1011, true}, {1014, false}, {3000, true},  {5000, false}};
  for (uint32_t code = 0; code <= 70'000; ++code) {
    bool expected = false;
    for (const Row& row : kRows) {
      if (code >= row.from) expected = row.is_kick_code;
    }
    ASSERT_EQ(IsKickCode(code), expected) << code;
  }
  // Not what is left of it in 16 bits.
  EXPECT_FALSE(IsKickCode(65'536 + 1000));
  EXPECT_FALSE(IsKickCode(UINT32_MAX));
}

TEST(Leave, CodesThatMayNeverBeSentAreNoKickCodes) {
  for (const CloseCode code : {CloseCode::kNone, CloseCode::kNoStatus, CloseCode::kAbnormal}) {
    EXPECT_FALSE(IsKickCode(static_cast<uint32_t>(code)));
  }
  EXPECT_FALSE(IsKickCode(1004));
  EXPECT_FALSE(IsKickCode(1015));
}

TEST(Leave, ReasonsHaveTheContractsNumbersAndTheirNamesAsLabels) {
  std::set<std::string> labels;
  for (int number = 1; number <= v1::LeaveReason_MAX; ++number) {
    ASSERT_TRUE(v1::LeaveReason_IsValid(number)) << number;
    // LEAVE_REASON_CLIENT_CLOSED is labelled client_closed.
    std::string name = v1::LeaveReason_Name(static_cast<v1::LeaveReason>(number));
    name = name.substr(std::string("LEAVE_REASON_").size());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(LeaveReasonLabel(static_cast<LeaveReason>(number)), name);
    labels.insert(name);
  }
  EXPECT_EQ(labels.size(), static_cast<size_t>(v1::LeaveReason_MAX));
}

TEST(CutCloseReason, LeavesWhatFitsAsItIs) {
  const std::string fits(kCloseReasonBytesMax, 'r');
  for (const std::string& reason : {std::string(), std::string("bye"), fits}) {
    EXPECT_EQ(CutCloseReason(reason), reason);
  }
}

// The longest prefix that fits and is UTF-8, wherever the bound falls in a code point.
TEST(CutCloseReason, CutsWhereACodePointEnds) {
  for (const std::string point : {"x", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80"}) {
    for (size_t before = 0; before < 4; ++before) {
      std::string reason(before, '.');
      while (reason.size() < 2 * kCloseReasonBytesMax) reason += point;
      const std::string_view cut = CutCloseReason(reason);
      EXPECT_TRUE(reason.starts_with(cut));
      EXPECT_TRUE(IsValidUtf8(cut));
      EXPECT_LE(cut.size(), kCloseReasonBytesMax);
      EXPECT_GT(cut.size() + point.size(), kCloseReasonBytesMax);
    }
  }
}

TEST(Leave, WithoutAnyNewsTheConnectionWasLost) {
  const Leave leave;
  EXPECT_EQ(leave.reason, LeaveReason::kConnectionLost);
  EXPECT_EQ(leave.close_code, 1006);
  EXPECT_FALSE(leave.silent);
}

}  // namespace
}  // namespace longwire
