#include "server/events/event_encoder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/util/message_differencer.h"
#include "longwire/v1/gateway.pb.h"

namespace longwire {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr int64_t kWall = 1'800'000'000'123;

testing::AssertionResult IsEncodingOf(const std::string& encoded, const v1::Event& expected) {
  v1::Event event;
  if (!event.ParseFromString(encoded)) return testing::AssertionFailure() << "it does not parse";
  std::string differences;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(expected, event)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << differences;
}

v1::Event EventOf(v1::EventType type, SessionId id, std::string_view uid, int64_t wall_millis) {
  v1::Event event;
  event.set_type(type);
  event.set_session_id(id);
  event.set_uid(std::string(uid));
  event.mutable_time()->set_seconds(wall_millis / 1'000);
  event.mutable_time()->set_nanos(static_cast<int32_t>(wall_millis % 1'000 * 1'000'000));
  return event;
}

// Every combination of shapes that changes a byte of the hand-written encoding.
TEST(EventEncoder, ARoutedMessageIsWhatTheGeneratedCodeWouldSay) {
  const std::string bodies[] = {"",
                                "x",
                                "h\xC3\xA9llo",
                                std::string(127, 'b'),
                                std::string(128, 'b'),
                                std::string(16'383, 'b'),
                                std::string(16'384, 'b'),
                                std::string("\0\xFF\x80", 3)};
  const std::string names[] = {"", "a", "\xE4\xBD\xA0", std::string(128, 'n')};
  const SessionId ids[] = {1, 127, 128, int64_t{1} << 40, INT64_MAX};
  const int64_t walls[] = {kWall, kWall / 1'000 * 1'000, 0, 1, 999, int64_t{1} << 43};
  for (const std::string& body : bodies) {
    for (const MessageType type : {MessageType::kText, MessageType::kBinary}) {
      if (type == MessageType::kText && body.find('\xFF') != std::string::npos) continue;
      for (const std::string& uid : names) {
        for (const std::string& command : names) {
          for (const SessionId id : ids) {
            const int64_t wall = walls[(id + uid.size() + command.size()) % std::size(walls)];
            v1::Event expected = EventOf(v1::EVENT_TYPE_ROUTE, id, uid, wall);
            v1::Message& message = *expected.mutable_routed()->mutable_message();
            if (type == MessageType::kText) {
              message.set_text(body);
            } else {
              message.set_binary(body);
            }
            expected.mutable_routed()->set_command(command);
            std::string encoded;
            AppendRouted(encoded, {id, uid, wall}, command, {type, body});
            ASSERT_TRUE(IsEncodingOf(encoded, expected))
                << body.size() << " bytes of body, uid " << uid << ", command " << command
                << ", id " << id << ", wall " << wall;
          }
        }
      }
    }
  }
}

TEST(EventEncoder, AnEmptyTextIsStillAText) {
  std::string text, binary;
  AppendRouted(text, {1, "", kWall}, "", {MessageType::kText, ""});
  AppendRouted(binary, {1, "", kWall}, "", {MessageType::kBinary, ""});
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(text));
  EXPECT_EQ(event.routed().message().body_case(), v1::Message::kText);
  ASSERT_TRUE(event.ParseFromString(binary));
  EXPECT_EQ(event.routed().message().body_case(), v1::Message::kBinary);
}

TEST(EventEncoder, TheSequenceIsLeftToTheLog) {
  std::string encoded;
  AppendRouted(encoded, {1, "alice", kWall}, "say", {MessageType::kText, "hi"});
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(encoded));
  EXPECT_EQ(event.sequence(), 0u);
}

TEST(EventEncoder, EventsAreAppendedBehindWhatIsThere) {
  std::string all = "before";
  AppendRouted(all, {1, "a", kWall}, "", {MessageType::kText, "hi"});
  EXPECT_TRUE(all.starts_with("before"));
  v1::Event expected = EventOf(v1::EVENT_TYPE_ROUTE, 1, "a", kWall);
  expected.mutable_routed()->mutable_message()->set_text("hi");
  EXPECT_TRUE(IsEncodingOf(all.substr(6), expected));

  all = "before";
  AppendLeave(all, {1, "a", kWall}, {.reason = LeaveReason::kDrained, .close_code = 1001});
  EXPECT_TRUE(all.starts_with("before"));
  v1::Event leave = EventOf(v1::EVENT_TYPE_LEAVE, 1, "a", kWall);
  leave.mutable_leave()->set_reason(v1::LEAVE_REASON_DRAINED);
  leave.mutable_leave()->set_close_code(1001);
  EXPECT_TRUE(IsEncodingOf(all.substr(6), leave));
}

TEST(EventEncoder, AnEnterTellsTheHandshake) {
  v1::Enter enter;
  enter.set_remote_address("192.0.2.1:4242");
  enter.set_path("/chat");
  enter.set_query("room=1");
  enter.set_subprotocol("chat.v1");
  (*enter.mutable_headers())["host"] = "example.org";
  (*enter.mutable_attributes())["role"] = "admin";
  v1::Event expected = EventOf(v1::EVENT_TYPE_ENTER, INT64_MAX, "alice", kWall);
  *expected.mutable_enter() = enter;
  std::string encoded;
  AppendEnter(encoded, {INT64_MAX, "alice", kWall}, enter);
  EXPECT_TRUE(IsEncodingOf(encoded, expected));
}

TEST(EventEncoder, ALeaveTellsHowItEndedForEveryReason) {
  for (int number = 1; number <= v1::LeaveReason_MAX; ++number) {
    for (const bool silent : {false, true}) {
      v1::Event expected = EventOf(v1::EVENT_TYPE_LEAVE, 5, "", kWall);
      expected.mutable_leave()->set_reason(static_cast<v1::LeaveReason>(number));
      expected.mutable_leave()->set_close_code(4999);
      expected.mutable_leave()->set_close_reason("tsch\xC3\xBC\xC3\x9F");
      expected.mutable_leave()->set_silent(silent);
      std::string encoded;
      AppendLeave(encoded, {5, "", kWall},
                  {.reason = static_cast<LeaveReason>(number),
                   .close_code = 4999,
                   .close_reason = "tsch\xC3\xBC\xC3\x9F",
                   .silent = silent});
      EXPECT_TRUE(IsEncodingOf(encoded, expected)) << number;
    }
  }
}

TEST(EventEncoder, ASnapshotEnterIsFramedAsAnEventOfAResponseAndTellsNoHeaders) {
  v1::Session session;
  session.set_session_id(77);
  session.set_uid("alice");
  session.set_remote_address("192.0.2.1:4242");
  session.set_path("/chat");
  session.set_subprotocol("chat.v1");
  // Long enough for a length of three bytes.
  (*session.mutable_attributes())["role"] = std::string(20'000, 'x');
  std::string framed;
  AppendFramedSnapshotEnter(framed, {77, "alice", kWall}, session);
  AppendFramedSnapshotEnter(framed, {78, "", kWall}, v1::Session());

  v1::SubscribeEventsResponse response;
  ASSERT_TRUE(response.ParseFromString(framed));
  ASSERT_EQ(response.events_size(), 2);
  v1::Event expected = EventOf(v1::EVENT_TYPE_ENTER, 77, "alice", kWall);
  expected.set_snapshot(true);
  expected.mutable_enter()->set_remote_address("192.0.2.1:4242");
  expected.mutable_enter()->set_path("/chat");
  expected.mutable_enter()->set_subprotocol("chat.v1");
  (*expected.mutable_enter()->mutable_attributes())["role"] = std::string(20'000, 'x');
  EXPECT_TRUE(IsEncodingOf(response.events(0).SerializeAsString(), expected));
  EXPECT_EQ(response.events(1).session_id(), 78);
  EXPECT_TRUE(response.events(1).snapshot());
  EXPECT_EQ(response.events(1).detail_case(), v1::Event::kEnter);
}

}  // namespace
}  // namespace longwire
