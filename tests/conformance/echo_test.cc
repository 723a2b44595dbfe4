// RFC 6455 section 5.6 and 10.4: messages of all sizes, and the limit.
#include "tests/conformance/conformance.h"

namespace longwire::test {
namespace {

std::string Pattern(size_t bytes) {
  std::string text(bytes, ' ');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('!' + i % 90);
  return text;
}

class Echo : public Conformance {};

class EchoOfSize : public Conformance, public ::testing::WithParamInterface<size_t> {};

TEST_P(EchoOfSize, KeepsText) {
  ws().SendText(Pattern(GetParam()));
  ExpectText(Pattern(GetParam()));
}

TEST_P(EchoOfSize, KeepsBinary) {
  const std::string bytes(GetParam(), '\xfe');
  ws().SendBinary(bytes);
  ExpectBinary(bytes);
}

TEST_P(EchoOfSize, KeepsFragments) {
  const std::string text = Pattern(GetParam());
  ws().Send(Fragmented(Op::kText, text, 1 + GetParam() / 7));
  ExpectText(text);
}

INSTANTIATE_TEST_SUITE_P(Bytes, EchoOfSize,
                         ::testing::Values(0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 124, 125, 126,
                                           127, 128, 255, 256, 1000, 4095, 4096, 32'767, 65'531,
                                           65'535, 65'536, 65'537, 131'072, 262'144, 524'288,
                                           1'015'807, 1'015'808),
                         ::testing::PrintToStringParamName());

TEST_F(Echo, OfOneByteMoreThanTheLimitFails) {
  ws().Send(BinaryFrame(std::string(kMessageBytesMax + 1, 'x')));
  EXPECT_THAT(ws().Receive(), IsClose(1009));
}

TEST_F(Echo, OfFragmentsBeyondTheLimitFails) {
  ws().Send(BinaryFrame(std::string(kMessageBytesMax, 'x'), false));
  ExpectAlive();
  ExpectFailAfter(Continuation("x"), 1009);
}

TEST_F(Echo, OfFragmentsUpToTheLimitIsKept) {
  ws().Send(BinaryFrame(std::string(kMessageBytesMax - 1, 'x'), false) + Continuation("x"));
  ExpectBinary(std::string(kMessageBytesMax, 'x'));
}

TEST_F(Echo, OfABigMessageInSmallSegmentsIsKept) {
  const std::string frame = BinaryFrame(Pattern(200'000));
  for (size_t at = 0; at < frame.size(); at += 997) ws().Send(frame.substr(at, 997));
  ExpectBinary(Pattern(200'000));
}

TEST_F(Echo, OfAThousandMessagesKeepsTheirOrder) {
  std::string frames;
  for (int i = 0; i < 1000; ++i) frames += TextFrame(std::to_string(i));
  ws().Send(frames);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ws().Receive(), Received::Text(std::to_string(i)));
}

TEST_F(Echo, OfMessagesOneAtATimeIsPrompt) {
  const Deadline deadline(Millis(10'000));
  for (int i = 0; i < 200; ++i) {
    ws().SendText("ping-pong");
    ExpectText("ping-pong");
  }
  EXPECT_FALSE(deadline.Passed());
}

}  // namespace
}  // namespace longwire::test
