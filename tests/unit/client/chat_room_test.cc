#include "client/examples/chat_room.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace longwire::examples {
namespace {

class DemoChat : public testing::Test {
 protected:
  void Enter(int64_t id, const std::string& uid = "", bool snapshot = false) {
    v1::Event event = EventOf(v1::EVENT_TYPE_ENTER, id, uid);
    event.set_snapshot(snapshot);
    event.mutable_enter();
    room_.OnEvent(event);
  }

  void Route(int64_t id, const std::string& text) {
    v1::Event event = EventOf(v1::EVENT_TYPE_ROUTE, id, "");
    event.mutable_routed()->mutable_message()->set_text(text);
    room_.OnEvent(event);
  }

  void Leave(int64_t id) { room_.OnEvent(EventOf(v1::EVENT_TYPE_LEAVE, id, "")); }

  // What was said since the last call, as "session: line".
  std::vector<std::string> Said() { return std::exchange(said_, {}); }

  static v1::Event EventOf(v1::EventType type, int64_t id, const std::string& uid) {
    v1::Event event;
    event.set_type(type);
    event.set_session_id(id);
    event.set_uid(uid);
    return event;
  }

  std::vector<std::string> said_;
  ChatRoom room_{[this](int64_t id, const std::string& line) {
    said_.push_back(std::to_string(id) + ": " + line);
  }};
};

using Lines = std::vector<std::string>;

TEST_F(DemoChat, GreetsWhoEntersAndTellsTheOthers) {
  Enter(1, "alice");
  const Lines first = Said();
  ASSERT_EQ(first.size(), 1);
  EXPECT_EQ(first[0].rfind("1: * welcome, alice!", 0), 0);
  Enter(2);
  const Lines second = Said();
  ASSERT_EQ(second.size(), 2);
  EXPECT_EQ(second[0].rfind("2: * welcome, guest-1!", 0), 0);
  EXPECT_EQ(second[1], "1: * guest-1 joined");
}

TEST_F(DemoChat, RelaysToEveryoneAlsoTheSender) {
  Enter(1, "alice");
  Enter(2, "bob");
  Said();
  Route(1, "hello");
  EXPECT_EQ(Said(), (Lines{"1: alice: hello", "2: alice: hello"}));
}

TEST_F(DemoChat, AnnouncesALeaveOnce) {
  Enter(1, "alice");
  Enter(2, "bob");
  Said();
  Leave(1);
  Leave(1);
  EXPECT_EQ(Said(), (Lines{"2: * alice left"}));
}

TEST_F(DemoChat, ChangesNames) {
  Enter(1, "alice");
  Enter(2, "bob");
  Said();
  Route(1, "/nick carol ");
  EXPECT_EQ(Said(), (Lines{"1: * alice is now carol", "2: * alice is now carol"}));
  Route(1, "/nick bob");
  EXPECT_EQ(Said(), (Lines{"1: * that name is taken"}));
  Route(1, "/who");
  EXPECT_EQ(Said(), (Lines{"1: * here: carol, bob"}));
}

TEST_F(DemoChat, LetsNobodySpeakAsAnother) {
  Enter(1, "alice");
  Enter(2, "bob: hi");
  Said();
  for (const char* name : {"", "*", "/x", "a b", "a:", "a\n", "a\x7F"}) {
    EXPECT_FALSE(IsName(name)) << name;
  }
  EXPECT_FALSE(IsName(std::string(33, 'a')));
  Route(2, "x\nalice: I owe you");
  EXPECT_EQ(Said()[0], "1: guest-1: x alice: I owe you");
}

TEST_F(DemoChat, GivesTheSecondSessionOfAUserAnotherName) {
  Enter(1, "alice");
  Enter(2, "alice");
  Said();
  Route(2, "hi");
  EXPECT_EQ(Said()[1], "2: guest-1: hi");
}

TEST_F(DemoChat, ExplainsWhatItDoesNotUnderstand) {
  Enter(1, "alice");
  Said();
  Route(1, "/dance");
  v1::Event binary = EventOf(v1::EVENT_TYPE_ROUTE, 1, "");
  binary.mutable_routed()->mutable_message()->set_binary("x");
  room_.OnEvent(binary);
  Route(1, std::string(5000, 'x'));
  const Lines said = Said();
  ASSERT_EQ(said.size(), 3);
  EXPECT_NE(said[0].find("/nick"), std::string::npos);
  EXPECT_EQ(said[1], "1: * this chat speaks text only");
  EXPECT_NE(said[2].find("too long"), std::string::npos);
}

TEST_F(DemoChat, DoesNotGreetWhoWasHereAllAlong) {
  room_.BeginSnapshot();
  Enter(1, "alice", /*snapshot=*/true);
  room_.OnSnapshotDone();
  EXPECT_EQ(Said(), Lines{});
  Route(1, "hi");
  EXPECT_EQ(Said(), (Lines{"1: alice: hi"}));
}

TEST_F(DemoChat, ForgetsWhoIsNotToldAgainBySnapshot) {
  Enter(1, "alice");
  Enter(2, "bob");
  Route(2, "/nick rob");
  Said();
  room_.BeginSnapshot();
  Enter(2, "bob", /*snapshot=*/true);
  room_.OnSnapshotDone();
  EXPECT_EQ(room_.size(), 1);
  EXPECT_EQ(Said(), (Lines{"2: * 1 left while the chat was away"}));
  Route(2, "hi");
  EXPECT_EQ(Said(), (Lines{"2: rob: hi"}));
}

}  // namespace
}  // namespace longwire::examples
