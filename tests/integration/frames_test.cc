// What happens to frames after the handshake: messages in, echoes out, violations. The whole RFC,
// by clause, is in tests/conformance/.
#include <memory>

#include "tests/support/echo_backend.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::IsEmpty;

constexpr size_t kMessageBytesMax = 4096;

class Frames : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.message_bytes_max = kMessageBytesMax;
    Start(options);
    echo_ = std::make_unique<EchoBackend>(gateway().channel());
    peer_ = &Join();
  }

  // Sends bytes that break the protocol and expects the close and the LEAVE that tell so.
  void ExpectViolation(std::string_view bytes, uint16_t code, v1::LeaveReason reason) {
    peer_->ws.Send(bytes);
    EXPECT_THAT(peer_->ws.ReceiveEnd(), IsClose(code));
    EXPECT_THAT(NextLeaveOf(*peer_), IsLeave(reason, code));
  }

  std::unique_ptr<EchoBackend> echo_;
  Peer* peer_ = nullptr;
};

TEST_F(Frames, OfTextAreEchoedAsText) {
  peer_->ws.SendText("grüße");
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("grüße"));
}

TEST_F(Frames, OfBinaryAreEchoedAsBinary) {
  const std::string bytes("\x00\xff\x80 text", 8);
  peer_->ws.SendBinary(bytes);
  EXPECT_EQ(peer_->ws.Receive(), Received::Binary(bytes));
}

TEST_F(Frames, MayBeEmpty) {
  peer_->ws.SendText("");
  EXPECT_EQ(peer_->ws.Receive(), Received::Text(""));
  peer_->ws.SendBinary("");
  EXPECT_EQ(peer_->ws.Receive(), Received::Binary(""));
}

TEST_F(Frames, KeepTheirOrder) {
  std::string burst;
  for (int i = 0; i < 500; ++i) burst += TextFrame(std::to_string(i));
  peer_->ws.Send(burst);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(peer_->ws.Receive(), Received::Text(std::to_string(i)));
}

TEST_F(Frames, MayComeByteByByte) {
  peer_->ws.SendByteByByte(TextFrame("one") + BinaryFrame(std::string(300, 'b')));
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("one"));
  EXPECT_EQ(peer_->ws.Receive(), Received::Binary(std::string(300, 'b')));
}

TEST_F(Frames, OfOneMessageAreJoined) {
  peer_->ws.Send(TextFrame("a", false) + Continuation("", false) + Continuation("b", true));
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("ab"));
}

TEST_F(Frames, OfOneMessageMaySplitACharacter) {
  peer_->ws.Send(TextFrame("\xe2\x82", false) + Continuation("\xac", true));
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("€"));
}

TEST_F(Frames, OfControlMayStandBetweenFragments) {
  peer_->ws.Send(TextFrame("a", false) + PingFrame("between") + Continuation("b"));
  EXPECT_EQ(peer_->ws.Receive(), Received::Pong("between"));
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("ab"));
}

TEST_F(Frames, AsLongAsTheMaximumAreTaken) {
  const std::string text(kMessageBytesMax, 'm');
  peer_->ws.SendText(text);
  EXPECT_EQ(peer_->ws.Receive(), Received::Text(text));
  peer_->ws.Send(Fragmented(Op::kBinary, text, 100));
  EXPECT_EQ(peer_->ws.Receive(), Received::Binary(text));
}

TEST_F(Frames, LongerThanTheMaximumCloseWith1009) {
  ExpectViolation(TextFrame(std::string(kMessageBytesMax + 1, 'm')), 1009,
                  v1::LEAVE_REASON_MESSAGE_TOO_BIG);
}

TEST_F(Frames, LongerThanTheMaximumInSumCloseWith1009) {
  ExpectViolation(TextFrame(std::string(kMessageBytesMax, 'm'), false) + Continuation("m"), 1009,
                  v1::LEAVE_REASON_MESSAGE_TOO_BIG);
}

TEST_F(Frames, AnnouncedTooLongCloseWith1009BeforeTheirPayload) {
  ExpectViolation(Frame{.op = Op::kBinary, .announced_length = uint64_t{1} << 40}.Bytes(), 1009,
                  v1::LEAVE_REASON_MESSAGE_TOO_BIG);
}

TEST_F(Frames, WithoutAMaskCloseWith1002) {
  ExpectViolation(Frame{.payload = "bare", .masked = false}.Bytes(), 1002,
                  v1::LEAVE_REASON_PROTOCOL_ERROR);
}

TEST_F(Frames, WithAReservedBitCloseWith1002) {
  ExpectViolation(Frame{.payload = "x", .rsv = 4}.Bytes(), 1002, v1::LEAVE_REASON_PROTOCOL_ERROR);
}

TEST_F(Frames, WithAReservedOpcodeCloseWith1002) {
  ExpectViolation(Frame{.op = Op{3}}.Bytes(), 1002, v1::LEAVE_REASON_PROTOCOL_ERROR);
}

TEST_F(Frames, OfTextThatIsNotUtf8CloseWith1007) {
  ExpectViolation(TextFrame("caf\xe9"), 1007, v1::LEAVE_REASON_PROTOCOL_ERROR);
}

TEST_F(Frames, OfTextThatEndsInsideACharacterCloseWith1007) {
  ExpectViolation(TextFrame("\xe2\x82"), 1007, v1::LEAVE_REASON_PROTOCOL_ERROR);
}

TEST_F(Frames, BeforeAViolationStillCount) {
  peer_->ws.Send(TextFrame("last words") + Frame{.op = Op{3}}.Bytes());
  EXPECT_EQ(events().Next(v1::EVENT_TYPE_ROUTE).routed().message().text(), "last words");
  EXPECT_THAT(NextLeaveOf(*peer_), IsLeave(v1::LEAVE_REASON_PROTOCOL_ERROR, 1002));
}

TEST_F(Frames, BehindAViolationOrACloseDoNotCount) {
  peer_->ws.Send(CloseFrame(1000) + TextFrame("too late"));
  EXPECT_THAT(NextLeaveOf(*peer_), IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 1000));
  EXPECT_TRUE(events().SeesNothingNew());
}

TEST_F(Frames, OfPingAreAnsweredWithTheirPayload) {
  peer_->ws.Send(PingFrame());
  EXPECT_EQ(peer_->ws.Receive(), Received::Pong(""));
  const std::string longest(125, 'p');
  peer_->ws.Send(PingFrame(longest));
  EXPECT_EQ(peer_->ws.Receive(), Received::Pong(longest));
}

TEST_F(Frames, OfPongAreTakenInSilence) {
  peer_->ws.Send(PongFrame("nobody asked") + TextFrame("still here"));
  EXPECT_EQ(peer_->ws.Receive(), Received::Text("still here"));
}

// A client that pings and never reads would otherwise fill the outbox with pongs.
TEST_F(Frames, OfPingKeepOnlyTheNewestPongWaiting) {
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += PingFrame(std::string(120, 'p'));
  // More than the kernel holds for one connection, so that the outbox must hold the rest.
  constexpr int kRounds = 200;
  WsClient deaf;
  ASSERT_THAT(deaf.Open(gateway().ws(), HttpRequest::Upgrade(), {.receive_buffer_bytes = 4096}),
              HasStatus(101));
  for (int round = 0; round < kRounds; ++round) ASSERT_TRUE(deaf.Send(pings));
  ASSERT_TRUE(deaf.Send(PingFrame("the newest")));
  int pongs = 0;
  Received received;
  do {
    received = deaf.Receive();
    ASSERT_EQ(received.kind, Received::Kind::kPong) << ::testing::PrintToString(received);
    ++pongs;
  } while (received.payload != "the newest");
  EXPECT_LT(pongs, kRounds * 1000);
}

TEST_F(Frames, OfCloseAreAnsweredWithTheSameCode) {
  peer_->ws.SendClose(3456, "enough");
  EXPECT_THAT(peer_->ws.ReceiveEnd(), IsClose(3456));
  const v1::Leave leave = NextLeaveOf(*peer_);
  EXPECT_THAT(leave, IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 3456));
  EXPECT_EQ(leave.close_reason(), "enough");
}

TEST_F(Frames, OfCloseWithoutACodeAreAnsweredWithoutACode) {
  peer_->ws.SendClose();
  EXPECT_THAT(peer_->ws.ReceiveEnd(), IsClose(1005));
  EXPECT_THAT(NextLeaveOf(*peer_), IsLeave(v1::LEAVE_REASON_CLIENT_CLOSED, 1005));
}

TEST_F(Frames, LoseNoEchoOnTheWay) {
  for (int i = 0; i < 100; ++i) peer_->ws.SendText(std::to_string(i));
  for (int i = 0; i < 100; ++i) peer_->ws.Receive();
  EXPECT_THAT(echo_->failures(), IsEmpty());
}

}  // namespace
}  // namespace longwire::test
