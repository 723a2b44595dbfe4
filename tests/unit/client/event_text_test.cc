#include "client/cli/event_text.h"

#include <gtest/gtest.h>

namespace longwire::client::cli {
namespace {

v1::Event SomeEvent(v1::EventType type) {
  v1::Event event;
  event.set_sequence(12);
  event.set_type(type);
  event.set_session_id(123456789012345);
  event.set_uid("alice");
  event.mutable_time()->set_seconds(1700000000);
  event.mutable_time()->set_nanos(45'000'000);
  return event;
}

TEST(CliEventLine, OfAnEnterTellsWhereFrom) {
  v1::Event event = SomeEvent(v1::EVENT_TYPE_ENTER);
  event.mutable_enter()->set_remote_address("127.0.0.1:5");
  event.mutable_enter()->set_path("/chat");
  event.mutable_enter()->set_query("x=1");
  event.mutable_enter()->set_subprotocol("v2");
  (*event.mutable_enter()->mutable_attributes())["plan"] = "gold";
  EXPECT_EQ(EventLine(event),
            "2023-11-14T22:13:20.045Z 12 ENTER 123456789012345 alice from 127.0.0.1:5 /chat?x=1 "
            "subprotocol v2 plan=gold");
}

TEST(CliEventLine, OfARouteShowsTheMessageWithoutItsTeeth) {
  v1::Event event = SomeEvent(v1::EVENT_TYPE_ROUTE);
  event.mutable_routed()->set_command("say");
  event.mutable_routed()->mutable_message()->set_text("hi\n\x1B[2J");
  EXPECT_EQ(EventLine(event),
            "2023-11-14T22:13:20.045Z 12 ROUTE 123456789012345 alice command say "
            "text: hi\\n\\x1b[2J");
  event.mutable_routed()->clear_command();
  event.mutable_routed()->mutable_message()->set_binary("\xFF");
  EXPECT_EQ(EventLine(event), "2023-11-14T22:13:20.045Z 12 ROUTE 123456789012345 alice binary: ff");
}

TEST(CliEventLine, OfALeaveTellsWhy) {
  v1::Event event = SomeEvent(v1::EVENT_TYPE_LEAVE);
  event.clear_uid();
  event.mutable_leave()->set_reason(v1::LEAVE_REASON_KICKED);
  event.mutable_leave()->set_close_code(4000);
  event.mutable_leave()->set_close_reason("go");
  event.mutable_leave()->set_silent(true);
  EXPECT_EQ(EventLine(event),
            "2023-11-14T22:13:20.045Z 12 LEAVE 123456789012345 - KICKED 4000 \"go\" silent");
}

TEST(CliEventLine, SurvivesWhatALaterGatewaySends) {
  v1::Event event = SomeEvent(static_cast<v1::EventType>(9));
  event.set_snapshot(true);
  EXPECT_EQ(EventLine(event),
            "2023-11-14T22:13:20.045Z snapshot 9 123456789012345 alice (no detail)");
}

TEST(CliGapLine, TellsWhatIsMissing) {
  v1::Gap gap;
  gap.set_first_missing(5);
  gap.set_next_available(9);
  gap.set_reason(v1::GAP_REASON_RETENTION);
  EXPECT_EQ(GapLine(gap), "GAP RETENTION: events 5 to 8 are no longer in the log");
  gap.set_reason(v1::GAP_REASON_RESTART);
  EXPECT_EQ(GapLine(gap).rfind("GAP RESTART", 0), 0);
}

TEST(CliEventJson, IsProtobufsOwnOnOneLine) {
  v1::Event event = SomeEvent(v1::EVENT_TYPE_ROUTE);
  event.mutable_routed()->mutable_message()->set_text("a\nb");
  EXPECT_EQ(EventJson(event),
            "{\"sequence\":\"12\",\"type\":\"EVENT_TYPE_ROUTE\",\"sessionId\":\"123456789012345\","
            "\"uid\":\"alice\",\"time\":\"2023-11-14T22:13:20.045Z\","
            "\"routed\":{\"message\":{\"text\":\"a\\nb\"}}}");
}

TEST(CliGapJson, StandsUnderAKeyOfItsOwn) {
  v1::Gap gap;
  gap.set_first_missing(5);
  gap.set_reason(v1::GAP_REASON_RETENTION);
  EXPECT_EQ(GapJson(gap), "{\"gap\":{\"firstMissing\":\"5\",\"reason\":\"GAP_REASON_RETENTION\"}}");
}

}  // namespace
}  // namespace longwire::client::cli
