// RFC 6455 section 5.1 to 5.3 and 5.5.2, 5.5.3: masks, reserved bits, opcodes, lengths, pings,
// pongs.
#include <algorithm>
#include <tuple>

#include "tests/conformance/conformance.h"

namespace longwire::test {
namespace {

using Form = Frame::LengthForm;

class Framing : public Conformance {};

// 5.1 and 5.3: the mask.

TEST_F(Framing, AnUnmaskedTextFails) {
  ExpectFailAfter(Frame{.payload = "x", .masked = false}.Bytes(), 1002);
}

TEST_F(Framing, AnUnmaskedEmptyFrameFails) {
  ExpectFailAfter(Frame{.masked = false}.Bytes(), 1002);
}

TEST_F(Framing, AnUnmaskedPingFails) {
  ExpectFailAfter(Frame{.op = Op::kPing, .masked = false}.Bytes(), 1002);
}

TEST_F(Framing, AnUnmaskedCloseFails) {
  ExpectFailAfter(Frame{.op = Op::kClose, .masked = false}.Bytes(), 1002);
}

TEST_F(Framing, AnUnmaskedContinuationFails) {
  ExpectFailAfter(TextFrame("a", false) +
                      Frame{.op = Op::kContinuation, .payload = "b", .masked = false}.Bytes(),
                  1002);
}

TEST_F(Framing, EveryMaskIsUndone) {
  for (const std::array<uint8_t, 4> mask : {std::array<uint8_t, 4>{0, 0, 0, 0},
                                            {255, 255, 255, 255},
                                            {1, 2, 3, 4},
                                            {0x80, 0, 0, 0x7f}}) {
    for (size_t bytes = 0; bytes < 40; ++bytes) {
      std::string text(bytes, ' ');
      for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 26);
      ws().Send(Frame{.payload = text, .mask = mask}.Bytes());
      ASSERT_EQ(ws().Receive(), Received::Text(text));
    }
  }
}

// 5.2: reserved bits, in every kind of frame.
class ReservedBits : public Conformance,
                     public ::testing::WithParamInterface<std::tuple<int, Op>> {};

TEST_P(ReservedBits, Fail) {
  const auto [rsv, op] = GetParam();
  ExpectFailAfter(Frame{.op = op, .rsv = static_cast<uint8_t>(rsv)}.Bytes(), 1002);
}

INSTANTIATE_TEST_SUITE_P(Rsv, ReservedBits,
                         ::testing::Combine(::testing::Range(1, 8),
                                            ::testing::Values(Op::kText, Op::kBinary, Op::kPing,
                                                              Op::kPong, Op::kClose)),
                         [](const auto& instance) {
                           return std::to_string(std::get<0>(instance.param)) + "InOpcode" +
                                  std::to_string(static_cast<int>(std::get<1>(instance.param)));
                         });

TEST_F(Framing, AReservedBitInTheMiddleOfAMessageFails) {
  ExpectFailAfter(
      TextFrame("a", false) + Frame{.op = Op::kContinuation, .payload = "b", .rsv = 4}.Bytes(),
      1002);
}

TEST_F(Framing, AReservedBitFailsBeforeTheRestOfTheFrame) {
  ExpectFailAfter("\xc1", 1002);  // One byte: FIN, RSV1, text.
}

// 5.2: reserved opcodes.
class ReservedOpcodes : public Conformance, public ::testing::WithParamInterface<int> {};

TEST_P(ReservedOpcodes, FailEmpty) {
  ExpectFailAfter(Frame{.op = static_cast<Op>(GetParam())}.Bytes(), 1002);
}

TEST_P(ReservedOpcodes, FailWithAPayloadBehindAGoodMessage) {
  ws().SendText("good");
  ExpectText("good");
  ExpectFailAfter(Frame{.op = static_cast<Op>(GetParam()), .payload = "x"}.Bytes(), 1002);
}

TEST_P(ReservedOpcodes, FailInTheMiddleOfAMessage) {
  ExpectFailAfter(TextFrame("a", false) + Frame{.op = static_cast<Op>(GetParam())}.Bytes(), 1002);
}

INSTANTIATE_TEST_SUITE_P(Opcode, ReservedOpcodes,
                         ::testing::Values(3, 4, 5, 6, 7, 11, 12, 13, 14, 15),
                         ::testing::PrintToStringParamName());

// 5.2: the length in its shortest form, and never above 63 bits.

TEST_F(Framing, A16BitLengthBelow126Fails) {
  ExpectFailAfter(Frame{.payload = "x", .length_form = Form::k16Bit}.Bytes(), 1002);
  ASSERT_NO_FATAL_FAILURE(SetUp());
  ExpectFailAfter(Frame{.payload = std::string(125, 'x'), .length_form = Form::k16Bit}.Bytes(),
                  1002);
}

TEST_F(Framing, A64BitLengthBelow65536Fails) {
  ExpectFailAfter(Frame{.payload = std::string(126, 'x'), .length_form = Form::k64Bit}.Bytes(),
                  1002);
  ASSERT_NO_FATAL_FAILURE(SetUp());
  ExpectFailAfter(Frame{.payload = std::string(65'535, 'x'), .length_form = Form::k64Bit}.Bytes(),
                  1002);
}

TEST_F(Framing, ALengthWithItsTopBitFails) {
  ExpectFailAfter(Frame{.op = Op::kBinary, .announced_length = uint64_t{1} << 63}.Bytes(), 1002);
}

TEST_F(Framing, TheLongestLengthOfAllFails) {
  ws().Send(Frame{.op = Op::kBinary, .announced_length = (uint64_t{1} << 63) - 1}.Bytes());
  ExpectFail(1009);
}

TEST_F(Framing, AHeaderMayComeByteByByte) {
  for (const size_t bytes : {125, 126, 65'535, 65'536}) {
    const std::string payload(bytes, 'h');
    const std::string frame = BinaryFrame(payload);
    ws().SendByteByByte(frame.substr(0, 20));
    ws().Send(frame.substr(20));
    ExpectBinary(payload);
  }
}

// 5.5: control frames.

TEST_F(Framing, AControlPayloadOf125BytesIsTaken) {
  ws().Send(PingFrame(std::string(125, '\xfe')));
  EXPECT_EQ(ws().Receive(), Received::Pong(std::string(125, '\xfe')));
}

class ControlFrames : public Conformance, public ::testing::WithParamInterface<Op> {};

TEST_P(ControlFrames, LongerThan125BytesFail) {
  ExpectFailAfter(Frame{.op = GetParam(), .payload = std::string(126, 'x')}.Bytes(), 1002);
}

TEST_P(ControlFrames, LongerThan125BytesFailByTheirHeaderAlone) {
  ExpectFailAfter(Frame{.op = GetParam(), .announced_length = 126}.Bytes(), 1002);
}

TEST_P(ControlFrames, ThatAreFragmentsFail) {
  ExpectFailAfter(Frame{.op = GetParam(), .fin = false}.Bytes(), 1002);
}

INSTANTIATE_TEST_SUITE_P(Opcode, ControlFrames, ::testing::Values(Op::kPing, Op::kPong, Op::kClose),
                         [](const auto& instance) {
                           return std::to_string(static_cast<int>(instance.param));
                         });

TEST_F(Framing, AnEmptyPingIsAnswered) {
  ws().Send(PingFrame());
  EXPECT_EQ(ws().Receive(), Received::Pong(""));
}

TEST_F(Framing, APingOfAnyBytesIsAnsweredWithThem) {
  const std::string bytes("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);
  ws().Send(PingFrame(bytes));
  EXPECT_EQ(ws().Receive(), Received::Pong(bytes));
}

TEST_F(Framing, APingByteByByteIsAnswered) {
  ws().SendByteByByte(PingFrame("octets"));
  EXPECT_EQ(ws().Receive(), Received::Pong("octets"));
}

// 5.5.3 allows to answer only the newest of several pings.
TEST_F(Framing, OfManyPingsTheLastIsAnsweredLast) {
  for (int i = 0; i < 10; ++i) ws().Send(PingFrame("ping " + std::to_string(i)));
  Received received;
  int answers = 0;
  do {
    received = ws().Receive();
    ASSERT_EQ(received.kind, Received::Kind::kPong);
    ASSERT_LE(++answers, 10);
  } while (received.payload != "ping 9");
}

TEST_F(Framing, AnUnsolicitedPongIsIgnored) {
  ws().Send(PongFrame() + PongFrame("unsolicited"));
  ExpectAlive();
}

TEST_F(Framing, APongBeforeAPingChangesNothing) {
  ws().Send(PongFrame("unsolicited") + PingFrame("ping"));
  EXPECT_EQ(ws().Receive(), Received::Pong("ping"));
}

}  // namespace
}  // namespace longwire::test
