#include "longwire/status.h"

#include <gtest/gtest.h>

#include "client/src/status_of.h"

namespace longwire::client {
namespace {

using grpc::StatusCode;
using internal::MakeStatus;

TEST(ClientStatus, TakesTheReasonFromTheTrailerAndDoesNotRepeatIt) {
  const Status status =
      MakeStatus(StatusCode::NOT_FOUND, "SESSION_GONE: session 5 is gone", "SESSION_GONE");
  EXPECT_EQ(status.reason, "SESSION_GONE");
  EXPECT_EQ(status.text, "session 5 is gone");
  EXPECT_EQ(status.ToString(), "NOT_FOUND (SESSION_GONE): session 5 is gone");
}

TEST(ClientStatus, TakesTheReasonFromTheTextWhereAProxyLostTheTrailer) {
  const Status status = MakeStatus(StatusCode::NOT_FOUND, "SESSION_GONE: session 5 is gone", "");
  EXPECT_EQ(status.reason, "SESSION_GONE");
  EXPECT_EQ(status.text, "session 5 is gone");
}

TEST(ClientStatus, LeavesOrdinaryTextAlone) {
  for (const char* text : {"Socket closed", "last error: UNKNOWN: x", "", "A: b", ": x"}) {
    const Status status = MakeStatus(StatusCode::UNAVAILABLE, text, "");
    EXPECT_EQ(status.reason, "") << text;
    EXPECT_EQ(status.text, text);
  }
}

TEST(ClientStatus, BelievesTheTrailerMoreThanTheText) {
  const Status status = MakeStatus(StatusCode::NOT_FOUND, "OTHER_REASON: x", "SESSION_GONE");
  EXPECT_EQ(status.reason, "SESSION_GONE");
  EXPECT_EQ(status.text, "OTHER_REASON: x");
}

TEST(ClientStatus, NamesEveryCodeAndSurvivesAnUnknownOne) {
  EXPECT_EQ(CodeName(StatusCode::OK), "OK");
  EXPECT_EQ(CodeName(StatusCode::RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(CodeName(StatusCode::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_EQ(CodeName(static_cast<StatusCode>(20)), "CODE_20");
  EXPECT_EQ(CodeName(StatusCode::DO_NOT_USE), "CODE_-1");
}

TEST(ClientStatus, SaysWhichStreamsNoRetryCanBetter) {
  for (const auto code :
       {StatusCode::OUT_OF_RANGE, StatusCode::INVALID_ARGUMENT, StatusCode::FAILED_PRECONDITION,
        StatusCode::UNIMPLEMENTED, StatusCode::UNAUTHENTICATED, StatusCode::PERMISSION_DENIED}) {
    EXPECT_TRUE(internal::IsFinal(code)) << CodeName(code);
  }
  for (const auto code : {StatusCode::OK, StatusCode::UNAVAILABLE, StatusCode::ABORTED,
                          StatusCode::INTERNAL, StatusCode::CANCELLED, StatusCode::UNKNOWN,
                          StatusCode::RESOURCE_EXHAUSTED, StatusCode::DEADLINE_EXCEEDED}) {
    EXPECT_FALSE(internal::IsFinal(code)) << CodeName(code);
  }
}

}  // namespace
}  // namespace longwire::client
