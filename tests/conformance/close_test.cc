// RFC 6455 sections 5.5.1 and 7: the closing handshake and its codes.
#include "tests/conformance/conformance.h"

namespace longwire::test {
namespace {

class Closing : public Conformance {};

TEST_F(Closing, WithoutACodeIsAnsweredWithoutACode) {
  ws().SendClose();
  EXPECT_EQ(ws().ReceiveEnd(), Received::Close(1005));
}

TEST_F(Closing, ByteByByteIsAnswered) {
  ws().SendByteByByte(CloseFrame(1000, "bye"));
  EXPECT_THAT(ws().Receive(), IsClose(1000));
  EXPECT_EQ(ws().Receive(), Received::Eof());
}

TEST_F(Closing, EndsTheConnectionFromTheGatewaysSide) {
  ws().SendClose(1000);
  EXPECT_THAT(ws().Receive(), IsClose(1000));
  EXPECT_EQ(ws().Receive(Millis(3'000)), Received::Eof());
}

TEST_F(Closing, WithAReasonOf123BytesIsAnswered) {
  ws().SendClose(1000, std::string(123, 'r'));
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(1000));
}

TEST_F(Closing, WithAReasonOf124BytesFails) {
  ExpectFailAfter(CloseFrame(1000, std::string(124, 'r')), 1002);
}

TEST_F(Closing, WithAReasonInUtf8IsAnswered) {
  ws().SendClose(1000, "κόσμε");
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(1000));
}

TEST_F(Closing, WithAReasonThatIsNotUtf8Fails) {
  ExpectFailAfter(CloseFrame(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"),
                  1007);
}

TEST_F(Closing, WithAReasonThatEndsInsideACharacterFails) {
  ExpectFailAfter(CloseFrame(1000, "\xe2\x82"), 1007);
}

TEST_F(Closing, WithOneByteFails) {
  ExpectFailAfter(Frame{.op = Op::kClose, .payload = "\x03"}.Bytes(), 1002);
}

TEST_F(Closing, TwiceIsAnsweredOnce) {
  ws().SendClose(1000, "", CloseFrame(1001));
  EXPECT_EQ(ws().ReceiveEnd(), Received::Close(1000));
}

TEST_F(Closing, LetsNoPingBeAnsweredBehindIt) {
  ws().SendClose(1000, "", PingFrame("too late"));
  EXPECT_EQ(ws().Receive(), Received::Close(1000));
  EXPECT_EQ(ws().Receive(), Received::Eof());
}

TEST_F(Closing, LetsNoMessageBeEchoedBehindIt) {
  ws().SendClose(1000, "", TextFrame("too late"));
  EXPECT_EQ(ws().ReceiveEnd(), Received::Close(1000));
}

TEST_F(Closing, LetsNoViolationCountBehindIt) {
  ws().SendClose(1000, "", Frame{.op = Op{3}, .masked = false}.Bytes());
  EXPECT_EQ(ws().ReceiveEnd(), Received::Close(1000));
}

TEST_F(Closing, BehindAMessageThatWasEchoed) {
  ws().SendText("hello");
  ExpectText("hello");
  ws().SendClose(1000);
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(1000));
}

TEST_F(Closing, InsideAMessageIsAnswered) {
  ws().Send(BinaryFrame(std::string(1000, 'x'), false));
  ws().SendClose(1000);
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(1000));
}

// A peer that floods on after a violation must still get the close frame, not a reset.
TEST_F(Closing, OfAViolationReachesAClientThatGoesOnSending) {
  ws().Send(Frame{.op = Op{3}}.Bytes());
  for (int i = 0; i < 50; ++i) ws().Send(BinaryFrame(std::string(10'000, 'x')));
  EXPECT_THAT(ws().Receive(), IsClose(1002));
}

class GoodCodes : public Conformance, public ::testing::WithParamInterface<int> {};

TEST_P(GoodCodes, AreAnsweredWithThemselves) {
  const auto code = static_cast<uint16_t>(GetParam());
  ws().SendClose(code, "reason");
  EXPECT_THAT(ws().ReceiveEnd(), IsClose(code));
}

INSTANTIATE_TEST_SUITE_P(Code, GoodCodes,
                         ::testing::Values(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                                           1012, 1013, 1014, 3000, 3001, 3999, 4000, 4500, 4999),
                         ::testing::PrintToStringParamName());

class BadCodes : public Conformance, public ::testing::WithParamInterface<int> {};

TEST_P(BadCodes, Fail) {
  // Code 0 stands for none in CloseFrame, so the frame is made here.
  const std::string payload = {static_cast<char>(GetParam() >> 8), static_cast<char>(GetParam())};
  ExpectFailAfter(Frame{.op = Op::kClose, .payload = payload + "reason"}.Bytes(), 1002);
}

INSTANTIATE_TEST_SUITE_P(Code, BadCodes,
                         ::testing::Values(0, 1, 125, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999,
                                           2000, 2999, 5000, 9999, 65535),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace longwire::test
