// RFC 6455 section 5.4: fragmentation.
#include "tests/conformance/conformance.h"

namespace longwire::test {
namespace {

class Fragmentation : public Conformance {};

TEST_F(Fragmentation, OfTwoFragmentsMakesOneMessage) {
  ws().Send(TextFrame("frag", false) + Continuation("ment"));
  ExpectText("fragment");
}

TEST_F(Fragmentation, OfBinaryStaysBinary) {
  ws().Send(BinaryFrame("\xff", false) + Continuation("\xfe"));
  ExpectBinary("\xff\xfe");
}

TEST_F(Fragmentation, IntoSegmentsOfTheirOwnMakesOneMessage) {
  ws().Send(TextFrame("frag", false));
  ExpectAlive();
  ws().Send(Continuation("ment"));
  ExpectText("fragment");
}

TEST_F(Fragmentation, ByteByByteMakesOneMessage) {
  ws().SendByteByByte(TextFrame("frag", false) + Continuation("", false) + Continuation("ment"));
  ExpectText("fragment");
}

TEST_F(Fragmentation, MayBeginEmpty) {
  ws().Send(TextFrame("", false) + Continuation("x"));
  ExpectText("x");
}

TEST_F(Fragmentation, MayEndEmpty) {
  ws().Send(TextFrame("x", false) + Continuation(""));
  ExpectText("x");
}

TEST_F(Fragmentation, MayBeOfNothingButEmptyFragments) {
  ws().Send(TextFrame("", false) + Continuation("", false) + Continuation(""));
  ExpectText("");
}

TEST_F(Fragmentation, MayHaveManyFragments) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += static_cast<char>('a' + i % 26);
  ws().Send(Fragmented(Op::kText, text, 1));
  ExpectText(text);
}

TEST_F(Fragmentation, MayHaveThousandsOfEmptyFragments) {
  std::string frames = TextFrame("a", false);
  for (int i = 0; i < 20'000; ++i) frames += Continuation("", false);
  ws().Send(frames + Continuation("b"));
  ExpectText("ab");
}

TEST_F(Fragmentation, LetsPingsBetween) {
  ws().Send(TextFrame("a", false) + PingFrame("1") + Continuation("b", false));
  EXPECT_EQ(ws().Receive(), Received::Pong("1"));
  ws().Send(PingFrame("2") + Continuation("c"));
  EXPECT_EQ(ws().Receive(), Received::Pong("2"));
  ExpectText("abc");
}

TEST_F(Fragmentation, LetsPongsBetween) {
  ws().Send(TextFrame("a", false) + PongFrame("unsolicited") + Continuation("b"));
  ExpectText("ab");
}

TEST_F(Fragmentation, LetsACloseBetweenWhichEndsAll) {
  ws().Send(TextFrame("a", false));
  ws().SendClose(1000, "", Continuation("b"));
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(1000));
}

TEST_F(Fragmentation, CannotBeContinuedWithoutABeginning) {
  ExpectFailAfter(Continuation("x"), 1002);
}

TEST_F(Fragmentation, CannotBeContinuedWithoutABeginningAlsoUnfinished) {
  ExpectFailAfter(Continuation("x", false), 1002);
}

TEST_F(Fragmentation, CannotBeContinuedBehindAWholeMessage) {
  ws().SendText("whole");
  ExpectText("whole");
  ExpectFailAfter(Continuation("x"), 1002);
}

TEST_F(Fragmentation, CannotBeContinuedBehindItsEnd) {
  ws().Send(TextFrame("a", false) + Continuation("b"));
  ExpectText("ab");
  ExpectFailAfter(Continuation("c"), 1002);
}

TEST_F(Fragmentation, IsNotInterruptedByAWholeText) {
  ExpectFailAfter(TextFrame("a", false) + TextFrame("b"), 1002);
}

TEST_F(Fragmentation, IsNotInterruptedByABinary) {
  ExpectFailAfter(TextFrame("a", false) + BinaryFrame("b"), 1002);
}

TEST_F(Fragmentation, IsNotInterruptedByAnotherBeginning) {
  ExpectFailAfter(TextFrame("a", false) + TextFrame("b", false), 1002);
}

TEST_F(Fragmentation, IsNotInterruptedByItsOwnOpcode) {
  ExpectFailAfter(BinaryFrame("a", false) + BinaryFrame("b"), 1002);
}

TEST_F(Fragmentation, MayBeFollowedByAnother) {
  for (int i = 0; i < 100; ++i) {
    const std::string text = "message number " + std::to_string(i);
    ws().Send(Fragmented(Op::kText, text, 1 + static_cast<size_t>(i) % 7));
    ExpectText(text);
  }
}

}  // namespace
}  // namespace longwire::test
