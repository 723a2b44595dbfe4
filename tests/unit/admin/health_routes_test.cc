#include "server/admin/health_routes.h"

#include <gtest/gtest.h>

#include <string>

namespace longwire {
namespace {

// The status for a request; 0 when the path is not ours.
int StatusOf(const char* method, const char* path, bool is_admitting) {
  const auto answer = AnswerHealth({.method = method, .target = path}, path, is_admitting);
  return answer ? answer->status : 0;
}

TEST(AnswerHealth, TheProcessIsHealthyAlsoWhileItDrains) {
  EXPECT_EQ(StatusOf("GET", "/healthz", true), 200);
  EXPECT_EQ(StatusOf("GET", "/healthz", false), 200);
}

TEST(AnswerHealth, TheGatewayIsReadyWhileItAdmitsSessions) {
  EXPECT_EQ(StatusOf("GET", "/readyz", true), 200);
  EXPECT_EQ(StatusOf("GET", "/readyz", false), 503);
}

TEST(AnswerHealth, HeadIsAnsweredLikeGet) {
  EXPECT_EQ(StatusOf("HEAD", "/healthz", true), 200);
  EXPECT_EQ(StatusOf("HEAD", "/readyz", false), 503);
}

TEST(AnswerHealth, Http10IsAnswered) {
  const auto answer =
      AnswerHealth({.method = "GET", .target = "/readyz", .version = 10}, "/readyz", true);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "ready\n");
}

TEST(AnswerHealth, OtherMethodsAre405WithWhatIsAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto answer = AnswerHealth({.method = method}, "/healthz", true);
    ASSERT_TRUE(answer) << method;
    EXPECT_EQ(answer->status, 405);
    ASSERT_EQ(answer->headers.size(), 1u);
    EXPECT_EQ(answer->headers[0].first, "Allow");
    EXPECT_EQ(answer->headers[0].second, "GET, HEAD");
  }
}

TEST(AnswerHealth, OtherPathsAreNotItsOwn) {
  for (const char* path : {"/", "/healthz/", "/healthz2", "/health", "/readyz/x", "/READYZ", ""}) {
    EXPECT_EQ(StatusOf("GET", path, true), 0) << path;
  }
}

}  // namespace
}  // namespace longwire
