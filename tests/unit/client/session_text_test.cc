#include "client/cli/session_text.h"

#include <gtest/gtest.h>

#include <string>

namespace longwire::client::cli {
namespace {

v1::Session Plain() {
  v1::Session session;
  session.set_session_id(380'000'000'000'000'001);
  session.set_remote_address("127.0.0.1:50000");
  session.set_path("/");
  session.mutable_entered_at()->set_seconds(1'767'225'600);
  session.mutable_entered_at()->set_nanos(250'000'000);
  session.set_messages_in(3);
  session.set_messages_out(12);
  return session;
}

TEST(SessionText, IsOneLineWithItsColumnsUnderTheHeading) {
  const std::string heading = SessionHeading();
  const std::string line = SessionLine(Plain());
  EXPECT_EQ(line,
            "380000000000000001  -                127.0.0.1:50000       /            "
            "2026-01-01T00:00:00.250Z 3      12");
  EXPECT_EQ(heading.find("UID"), line.find('-'));
  EXPECT_EQ(heading.find("SINCE"), line.find("2026"));
  EXPECT_EQ(heading.find("OUT"), line.find("12", line.find("Z")));
}

TEST(SessionText, ShowsTopicsAndWhateverElseThereIs) {
  v1::Session session = Plain();
  session.add_topics("news");
  session.add_topics("sport");
  session.set_subprotocol("chat");
  (*session.mutable_attributes())["role"] = "admin";
  EXPECT_TRUE(SessionLine(session).ends_with("12     news,sport subprotocol chat role=admin"));
}

TEST(SessionText, WhatAStrangerHasWrittenCannotSteerTheTerminal) {
  v1::Session session = Plain();
  session.set_uid("a\x1b[2J\nb");
  session.set_path("/\r");
  const std::string line = SessionLine(session);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
}

}  // namespace
}  // namespace longwire::client::cli
