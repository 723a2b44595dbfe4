#include "server/edge/frame.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longwire {

// How GoogleTest shows an item that is not the one expected.
void PrintTo(FrameReader::Item::Kind kind, std::ostream* out) {
  constexpr const char* kNames[] = {"NeedMore", "Text",  "Binary",   "Ping",
                                    "Pong",     "Close", "Violation"};
  *out << kNames[static_cast<size_t>(kind)];
}

namespace {

using Kind = FrameReader::Item::Kind;
using std::string_literals::operator""s;

static_assert(sizeof(FrameReader) <= 8, "an idle session pays this for its reader");

constexpr size_t kRoomy = 1 << 20;
constexpr std::string_view kKey = "\x37\xFA\x21\x3D";  // The key of the RFC's example, section 5.7.

// An item that outlives the reader's next call.
struct Got {
  Kind kind;
  std::string payload;
  uint16_t close_code = 0;

  bool operator==(const Got&) const = default;
};

void PrintTo(const Got& got, std::ostream* out) {
  longwire::PrintTo(got.kind, out);
  *out << "(" << testing::PrintToString(got.payload.substr(0, 100)) << ", " << got.payload.size()
       << " bytes, code " << got.close_code << ")";
}

Got Text(std::string payload) {
  return {Kind::kText, std::move(payload)};
}
Got Binary(std::string payload) {
  return {Kind::kBinary, std::move(payload)};
}
Got Ping(std::string payload) {
  return {Kind::kPing, std::move(payload)};
}
Got Pong(std::string payload) {
  return {Kind::kPong, std::move(payload)};
}
Got Close(uint16_t code, std::string reason = "") {
  return {Kind::kClose, std::move(reason), code};
}
Got Violation(uint16_t code, std::string text) {
  return {Kind::kViolation, std::move(text), code};
}

const Got kNotMasked = Violation(1002, "frame is not masked (RFC 6455 5.1)");
const Got kReservedBit = Violation(1002, "reserved bit is set (RFC 6455 5.2)");
const Got kReservedOpcode = Violation(1002, "opcode is reserved (RFC 6455 5.2)");
const Got kNotMinimal = Violation(1002, "length is not minimal (RFC 6455 5.2)");
const Got kTopBit = Violation(1002, "length has its top bit set (RFC 6455 5.2)");
const Got kNothingToContinue = Violation(1002, "continuation without a message (RFC 6455 5.4)");
const Got kMessageInMessage = Violation(1002, "new message within a message (RFC 6455 5.4)");
const Got kControlInFragments = Violation(1002, "control frame is fragmented (RFC 6455 5.5)");
const Got kControlTooLong = Violation(1002, "control frame exceeds 125 bytes (RFC 6455 5.5)");
const Got kHalfACode = Violation(1002, "close frame holds half a code (RFC 6455 5.5.1)");
const Got kReasonNotUtf8 = Violation(1007, "close reason is not UTF-8 (RFC 6455 5.5.1)");
const Got kNotUtf8 = Violation(1007, "text is not UTF-8 (RFC 6455 8.1)");
const Got kTooBig = Violation(1009, "message is too big (RFC 6455 10.4)");
const Got kBadCloseCode = Violation(1002, "close code is not for the wire (RFC 6455 7.4)");

std::string Xored(std::string bytes, std::string_view key) {
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= key[i % key.size()];
  return bytes;
}

std::string NetworkOrder(uint64_t number, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(number >> 8 * bytes);
  return out;
}

constexpr uint8_t kFin = 0x80;
enum : uint8_t { kCont = 0, kTextOp = 1, kBinaryOp = 2, kCloseOp = 8, kPingOp = 9, kPongOp = 10 };

// The header of a masked frame up to its key, in the shortest form of the length.
std::string HeaderOf(uint8_t first, uint64_t length) {
  std::string out(1, static_cast<char>(first));
  if (length < 126) return out + static_cast<char>(0x80 | length);
  if (length < 65536) return out + '\xFE' + NetworkOrder(length, 2);
  return out + '\xFF' + NetworkOrder(length, 8);
}

// A client's frame. `first` is the first byte: kFin and the opcode.
std::string Frame(uint8_t first, const std::string& payload, std::string_view key = kKey) {
  return HeaderOf(first, payload.size()) + std::string(key) + Xored(payload, key);
}

std::string TextFrame(const std::string& payload) {
  return Frame(kFin | kTextOp, payload);
}

std::string PingFrame(const std::string& payload) {
  return Frame(kFin | kPingOp, payload);
}

// The last fragment of a message.
std::string LastFrame(const std::string& payload) {
  return Frame(kFin | kCont, payload);
}

std::string CloseFrame(uint16_t code, const std::string& reason = "") {
  return Frame(kFin | kCloseOp, NetworkOrder(code, 2) + reason);
}

void Drain(FrameReader& reader, std::span<char> input, size_t message_bytes_max,
           std::vector<Got>& items) {
  while (true) {
    const FrameReader::Item item = reader.Next(input, message_bytes_max);
    if (item.kind == Kind::kNeedMore) break;
    items.push_back({item.kind, std::string(item.payload), item.close_code});
  }
  EXPECT_TRUE(input.empty()) << "kNeedMore must have taken all of the input";
}

// Feeds the stream cut at `cuts` (ascending). Each piece lies in memory of its own that is gone
// before the next one comes, so that a view kept too long is caught by ASan.
std::vector<Got> ReadCut(std::string_view bytes, const std::vector<size_t>& cuts,
                         size_t message_bytes_max) {
  FrameReader reader;
  std::vector<Got> items;
  size_t at = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    std::vector<char> piece(bytes.begin() + at, bytes.begin() + end);
    at = end;
    Drain(reader, piece, message_bytes_max, items);
    EXPECT_LE(reader.BufferedBytes(), end);
  }
  return items;
}

std::vector<size_t> EveryByte(size_t size) {
  std::vector<size_t> cuts;
  for (size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

// In one piece, in two pieces cut at every byte (of a long stream: near both ends), byte by byte.
void ExpectItemsHoweverSplit(const std::string& bytes, const std::vector<Got>& expected,
                             size_t message_bytes_max = kRoomy) {
  constexpr size_t kCutsPerEnd = 200;
  EXPECT_EQ(ReadCut(bytes, {}, message_bytes_max), expected) << "in one piece";
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    if (cut == kCutsPerEnd && bytes.size() > 2 * kCutsPerEnd) cut = bytes.size() - kCutsPerEnd;
    ASSERT_EQ(ReadCut(bytes, {cut}, message_bytes_max), expected) << "cut at " << cut;
  }
  EXPECT_EQ(ReadCut(bytes, EveryByte(bytes.size()), message_bytes_max), expected) << "byte by byte";
}

// The number of bytes after which the violation is told when they come one at a time; 0 for never.
size_t ToldAfter(std::string bytes, size_t message_bytes_max) {
  FrameReader reader;
  std::vector<Got> items = {{Kind::kNeedMore, ""}};
  for (size_t i = 0; i < bytes.size(); ++i) {
    Drain(reader, {&bytes[i], 1}, message_bytes_max, items);
    if (items.back().kind == Kind::kViolation) return i + 1;
  }
  return 0;
}

// One row of the RFC: what a client sends and what comes of it.
struct Rule {
  std::string name;
  std::string bytes;
  std::vector<Got> items;
  size_t told_after;  // Where a violation must be told: this many bytes from the start.
  size_t message_bytes_max;
};

Rule Row(std::string name, std::string bytes, std::vector<Got> items, size_t told_after = 0,
         size_t message_bytes_max = kRoomy) {
  return {std::move(name), std::move(bytes), std::move(items), told_after, message_bytes_max};
}

void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}

const auto kName = [](const testing::TestParamInfo<Rule>& info) { return info.param.name; };

class FrameRule : public testing::TestWithParam<Rule> {};

TEST_P(FrameRule, HoldsHoweverTheInputIsSplit) {
  const Rule& rule = GetParam();
  ExpectItemsHoweverSplit(rule.bytes, rule.items, rule.message_bytes_max);
  if (rule.told_after == 0) return;
  SCOPED_TRACE("a violation's text may become a close reason, and nothing may follow it");
  EXPECT_LE(rule.items.back().payload.size(), kCloseReasonBytesMax);
  ExpectItemsHoweverSplit(rule.bytes + TextFrame("more"), rule.items, rule.message_bytes_max);
}

TEST_P(FrameRule, IsToldAsSoonAsTheBytesShowIt) {
  const Rule& rule = GetParam();
  EXPECT_EQ(ToldAfter(rule.bytes, rule.message_bytes_max), rule.told_after);
}

const std::vector<Rule> kMasking = {
    Row("UnmaskedFrameIsRefused", "\x81\x05Hello", {kNotMasked}, 2),
    Row("UnmaskedControlFrameIsRefused", "\x89\x00"s, {kNotMasked}, 2),
    Row("UnmaskedSecondFrameIsRefused", TextFrame("a") + "\x81\x01"s + "b", {Text("a"), kNotMasked},
        9),
    Row("ExampleOfSection5_7IsRead", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        {Text("Hello")}),
    Row("KeyOfZerosIsAKey", Frame(kFin | kTextOp, "Hello", "\0\0\0\0"s), {Text("Hello")}),
    Row("EachFrameHasItsOwnKey",
        Frame(kTextOp, "Hel", "\x01\x02\x03\x04") + Frame(kFin | kCont, "lo", "\xF1\xF2\xF3\xF4"),
        {Text("Hello")}),
};

INSTANTIATE_TEST_SUITE_P(Section5_1_Masking, FrameRule, testing::ValuesIn(kMasking), kName);

const std::vector<Rule> kHeader = {
    Row("Rsv1IsRefused", Frame(0xC1, "x"), {kReservedBit}, 1),
    Row("Rsv2IsRefused", Frame(0xA1, "x"), {kReservedBit}, 1),
    Row("Rsv3IsRefused", Frame(0x91, "x"), {kReservedBit}, 1),
    Row("RsvOnAControlFrameIsRefused", Frame(0xC9, "x"), {kReservedBit}, 1),
    Row("Opcode3IsRefused", Frame(0x83, "x"), {kReservedOpcode}, 1),
    Row("Opcode7IsRefused", Frame(0x87, "x"), {kReservedOpcode}, 1),
    Row("Opcode11IsRefused", Frame(0x8B, "x"), {kReservedOpcode}, 1),
    Row("Opcode15IsRefused", Frame(0x8F, "x"), {kReservedOpcode}, 1),
    Row("LengthOf125In16BitsIsRefused",
        "\x82\xFE\x00\x7D"s + std::string(kKey) + std::string(125, 'x'), {kNotMinimal}, 4),
    Row("LengthOf65535In64BitsIsRefused", "\x82\xFF"s + NetworkOrder(65535, 8) + std::string(kKey),
        {kNotMinimal}, 10),
    Row("LengthOf0In64BitsIsRefused", "\x82\xFF"s + NetworkOrder(0, 8) + std::string(kKey),
        {kNotMinimal}, 10),
    Row("LengthWithItsTopBitSetIsRefused",
        "\x82\xFF"s + NetworkOrder(uint64_t{1} << 63, 8) + std::string(kKey), {kTopBit}, 10),
};

INSTANTIATE_TEST_SUITE_P(Section5_2_Header, FrameRule, testing::ValuesIn(kHeader), kName);

const std::vector<Rule> kFragmentation = {
    Row("ContinuationWithoutAMessageIsRefused", LastFrame("x"), {kNothingToContinue}, 1),
    Row("ContinuationAfterAWholeMessageIsRefused", TextFrame("a") + Frame(kCont, "x"),
        {Text("a"), kNothingToContinue}, 8),
    Row("TextWithinAMessageIsRefused", Frame(kTextOp, "a") + TextFrame("b"), {kMessageInMessage},
        8),
    Row("BinaryWithinAMessageIsRefused", Frame(kTextOp, "a") + Frame(kBinaryOp, "b"),
        {kMessageInMessage}, 8),
    Row("FragmentsAreJoined", Frame(kTextOp, "one ") + Frame(kCont, "two ") + LastFrame("three"),
        {Text("one two three")}),
    Row("EmptyFragmentsAreNothing",
        Frame(kBinaryOp, "") + Frame(kCont, "") + Frame(kCont, "a") + Frame(kCont, "") +
            LastFrame(""),
        {Binary("a")}),
    Row("AMessageOfEmptyFragmentsIsEmpty", Frame(kTextOp, "") + LastFrame(""), {Text("")}),
    Row("AMessageKeepsTheOpcodeOfItsFirstFrame",
        Frame(kBinaryOp, "\xFF") + LastFrame("\xFE") + Frame(kTextOp, "a") + LastFrame("b"),
        {Binary("\xFF\xFE"), Text("ab")}),
    Row("ControlFramesComeBetweenFragments",
        Frame(kTextOp, "Hel") + PingFrame("1") + Frame(kCont, "l") + Frame(kFin | kPongOp, "22") +
            PingFrame("") + LastFrame("o") + PingFrame("3"),
        {Ping("1"), Pong("22"), Ping(""), Text("Hello"), Ping("3")}),
    Row("CloseBetweenFragmentsEndsAll",
        Frame(kTextOp, "Hel") + CloseFrame(1001, "bye") + LastFrame("lo"), {Close(1001, "bye")}),
};

INSTANTIATE_TEST_SUITE_P(Section5_4_Fragmentation, FrameRule, testing::ValuesIn(kFragmentation),
                         kName);

const std::vector<Rule> kControl = {
    Row("FragmentedPingIsRefused", Frame(kPingOp, "x"), {kControlInFragments}, 1),
    Row("FragmentedCloseIsRefused", Frame(kCloseOp, ""), {kControlInFragments}, 1),
    Row("PingOf125BytesIsRead", PingFrame(std::string(125, 'x')), {Ping(std::string(125, 'x'))}),
    Row("PingOf126BytesIsRefused", PingFrame(std::string(126, 'x')), {kControlTooLong}, 2),
    Row("PingMayHoldAnyBytes", PingFrame("\xFF\x00"s), {Ping("\xFF\x00"s)}),
    Row("ControlFramesDoNotCountAgainstTheMessageLimit",
        PingFrame(std::string(125, 'x')) + TextFrame("abcd"),
        {Ping(std::string(125, 'x')), Text("abcd")}, 0, 4),
};

INSTANTIATE_TEST_SUITE_P(Section5_5_Control, FrameRule, testing::ValuesIn(kControl), kName);

const std::vector<Rule> kClose = {
    Row("CloseWithoutACodeIs1005", Frame(kFin | kCloseOp, ""), {Close(1005)}),
    Row("CloseWithACodeHasNoReason", CloseFrame(1000), {Close(1000)}),
    Row("CloseCarriesItsReason", CloseFrame(4000, "caf\xC3\xA9"), {Close(4000, "caf\xC3\xA9")}),
    Row("CloseOf125BytesIsRead", CloseFrame(1000, std::string(123, 'r')),
        {Close(1000, std::string(123, 'r'))}),
    Row("CloseOfOneByteIsRefused", Frame(kFin | kCloseOp, "\x03"), {kHalfACode}, 7),
    Row("CloseReasonThatIsNotUtf8IsRefused", CloseFrame(1000, "a\xFF"), {kReasonNotUtf8}, 10),
    Row("CloseReasonThatEndsWithinACodePointIsRefused", CloseFrame(1000, "\xE4\xBD"),
        {kReasonNotUtf8}, 10),
    Row("NothingCountsAfterClose", CloseFrame(1000) + TextFrame("late") + "\xFF\xFF\xFF",
        {Close(1000)}),
};

INSTANTIATE_TEST_SUITE_P(Section5_5_1_Close, FrameRule, testing::ValuesIn(kClose), kName);

const std::vector<Rule> kUtf8 = {
    Row("TextIsUtf8", TextFrame("\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x98\x80"),
        {Text("\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x98\x80")}),
    Row("TextThatIsNotUtf8IsRefusedAtItsFirstBadByte", TextFrame("ab\xED\xA0\x80 and more"),
        {kNotUtf8}, 10),
    Row("TextThatEndsWithinACodePointIsRefused", TextFrame("ab\xE4\xBD"), {kNotUtf8}, 10),
    Row("ACodePointMayStraddleFragments",
        Frame(kTextOp, "\xF0\x9F") + PingFrame("\xFF") + Frame(kCont, "\x98") + LastFrame("\x80"),
        {Ping("\xFF"), Text("\xF0\x9F\x98\x80")}),
    Row("ABadCodePointThatStraddlesFragmentsIsRefused",
        Frame(kTextOp, "\xF4") + Frame(kCont, "\x90") + LastFrame("\x80\x80"), {kNotUtf8}, 14),
    Row("AMessageThatEndsWithinACodePointIsRefused", Frame(kTextOp, "\xE4\xBD") + LastFrame(""),
        {kNotUtf8}, 14),
    Row("AnUnfinishedTextIsRefusedAtItsFirstBadByte",
        HeaderOf(kFin | kTextOp, 60000) + std::string(kKey) + Xored("abc\xF8", kKey), {kNotUtf8},
        12),
    Row("ABadTextDoesNotSpoilTheOneBeforeIt", TextFrame("ok") + TextFrame("\xC0"),
        {Text("ok"), kNotUtf8}, 15),
    Row("BinaryMayHoldAnyBytes", Frame(kFin | kBinaryOp, "\xC0\x00\xFF"s),
        {Binary("\xC0\x00\xFF"s)}),
};

INSTANTIATE_TEST_SUITE_P(Section8_1_Utf8, FrameRule, testing::ValuesIn(kUtf8), kName);

const std::vector<Rule> kLimit = {
    Row("AMessageOfExactlyTheLimitIsRead", TextFrame("12345678"), {Text("12345678")}, 0, 8),
    Row("OneByteMoreIsRefusedByItsHeaderAlone", HeaderOf(kFin | kTextOp, 9), {kTooBig}, 2, 8),
    Row("ALength16BitsIsRefusedByItsHeaderAlone", HeaderOf(kFin | kBinaryOp, 65535), {kTooBig}, 4,
        65534),
    Row("TheLargestLengthIsRefusedByItsHeaderAlone", HeaderOf(kFin | kBinaryOp, UINT64_MAX >> 1),
        {kTooBig}, 10),
    Row("FragmentsOfExactlyTheLimitAreRead",
        Frame(kBinaryOp, "1234") + Frame(kCont, "") + LastFrame("5678"), {Binary("12345678")}, 0,
        8),
    Row("TheFragmentThatExceedsTheLimitIsRefusedByItsHeaderAlone",
        Frame(kBinaryOp, "1234") + Frame(kCont, "567") + HeaderOf(kCont, 2), {kTooBig}, 21, 8),
    Row("TheLargestLengthIsRefusedAlsoAsAContinuation",
        Frame(kBinaryOp, "1234") + HeaderOf(kCont, UINT64_MAX >> 1), {kTooBig}, 20,
        UINT64_MAX >> 1),
    Row("TheLimitIsForEachMessageAnew",
        Frame(kBinaryOp, "1234") + LastFrame("5678") + Frame(kBinaryOp, "1234") + LastFrame("5678"),
        {Binary("12345678"), Binary("12345678")}, 0, 8),
};

INSTANTIATE_TEST_SUITE_P(Section10_4_Limit, FrameRule, testing::ValuesIn(kLimit), kName);

TEST(FrameCloseCode, MayBeOnTheWireJustAsRfc6455Section7_4AndTheRegistrySay) {
  for (uint32_t code = 0; code <= UINT16_MAX; ++code) {
    const bool may = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                     (code >= 3000 && code <= 4999);
    ASSERT_EQ(IsCloseCodeOnWire(static_cast<uint16_t>(code)), may) << code;
    const std::vector<Got> expected = {may ? Close(static_cast<uint16_t>(code)) : kBadCloseCode};
    const std::string frame = CloseFrame(static_cast<uint16_t>(code));
    ASSERT_EQ(ReadCut(frame, {}, kRoomy), expected) << code;
    ASSERT_EQ(ReadCut(frame, EveryByte(frame.size()), kRoomy), expected) << code;
  }
}

TEST(FrameWriter, AppendsACloseWithCodeAndReasonOrWithNeither) {
  std::string out;
  AppendCloseFrame(out, 0, "");
  EXPECT_EQ(out, "\x88\x00"s);
  out.clear();
  AppendCloseFrame(out, 4409, "duplicate login");
  EXPECT_EQ(out, "\x88\x11\x11\x39"s + "duplicate login");
  out.clear();
  AppendCloseFrame(out, 1000, std::string(kCloseReasonBytesMax, 'r'));
  EXPECT_EQ(out, "\x88\x7D\x03\xE8"s + std::string(123, 'r'));
}

// What the server writes, masked as a client would, is what the reader reads.
TEST(FrameRoundTrip, KeepsEveryLengthAtTheEdgesOfTheEncodings) {
  for (size_t length : {0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 65537}) {
    SCOPED_TRACE(length);
    std::string payload(length, '\0');
    for (size_t i = 0; i < length; ++i) payload[i] = static_cast<char>('a' + i % 23);
    for (const Opcode opcode : {Opcode::kText, Opcode::kBinary}) {
      std::string frame;
      AppendFrame(frame, opcode, payload);
      const size_t header_bytes = FrameHeaderBytes(length);
      ASSERT_EQ(frame.size(), header_bytes + length);
      frame[1] |= '\x80';
      frame = frame.substr(0, header_bytes) + std::string(kKey) + Xored(payload, kKey);
      const Got expected = opcode == Opcode::kText ? Text(payload) : Binary(payload);
      ExpectItemsHoweverSplit(frame + frame, {expected, expected});
    }
  }
}

TEST(FrameReader, UnmasksPayloadsOfEveryLengthAtEveryAlignment) {
  std::string payload;
  for (size_t length = 0; length < 70; ++length, payload += static_cast<char>('A' + length % 50)) {
    for (size_t shift = 0; shift < 8; ++shift) {
      std::string memory = std::string(shift, '#') + Frame(kFin | kTextOp, payload) + "#";
      std::span<char> input = std::span(memory).subspan(shift, 6 + length);
      FrameReader reader;
      ASSERT_EQ(reader.Next(input, kRoomy).payload, payload);
      ASSERT_EQ(memory.back(), '#');
    }
  }
}

TEST(FrameReader, GivesAViewOfTheInputForAFrameThatCameWhole) {
  std::string bytes = TextFrame("Hello") + PingFrame("x");
  std::span<char> input(bytes);
  FrameReader reader;
  EXPECT_EQ(reader.Next(input, kRoomy).payload.data(), bytes.data() + 6);
  EXPECT_EQ(input.size(), 7u);
  EXPECT_EQ(reader.Next(input, kRoomy).payload.data(), bytes.data() + 11 + 6);
  EXPECT_TRUE(input.empty());
  EXPECT_FALSE(reader.InMessage());
}

// Feeds the bytes and returns the last item; for the tests that look at the reader in between.
Got Feed(FrameReader& reader, std::string bytes, size_t message_bytes_max = kRoomy) {
  std::vector<Got> items = {{Kind::kNeedMore, ""}};
  Drain(reader, bytes, message_bytes_max, items);
  return items.back();
}

TEST(FrameReader, IsInAMessageFromTheFirstByteOfAFrameToTheLastByteOfTheMessage) {
  FrameReader reader;
  EXPECT_FALSE(reader.InMessage());
  Feed(reader, Frame(kTextOp, "a"));
  EXPECT_TRUE(reader.InMessage());
  EXPECT_EQ(Feed(reader, PingFrame("p")), Ping("p"));
  EXPECT_TRUE(reader.InMessage());
  std::string last = LastFrame("b");
  std::span<char> input(last);
  EXPECT_EQ(reader.Next(input, kRoomy).payload, "ab");
  EXPECT_FALSE(reader.InMessage()) << "though the payload given out is still held";
  Feed(reader, "\x89");
  EXPECT_TRUE(reader.InMessage());
  EXPECT_EQ(Feed(reader, PingFrame("").substr(1)), Ping(""));
  EXPECT_FALSE(reader.InMessage());
}

TEST(FrameReader, BuffersWhatCameAndNotWhatWasAnnounced) {
  FrameReader reader;
  Feed(reader, HeaderOf(kFin | kBinaryOp, 1 << 20));
  EXPECT_EQ(reader.BufferedBytes(), 10u) << "the header awaits its key";
  Feed(reader, std::string(kKey));
  EXPECT_EQ(reader.BufferedBytes(), 0u);
  EXPECT_TRUE(reader.InMessage());
  Feed(reader, std::string(1000, 'x'));
  EXPECT_EQ(reader.BufferedBytes(), 1000u);
  Feed(reader, std::string((1 << 20) - 1001, 'x'));
  EXPECT_EQ(reader.BufferedBytes(), (1u << 20) - 1);
  EXPECT_EQ(Feed(reader, "x").kind, Kind::kBinary);
  EXPECT_EQ(reader.BufferedBytes(), 0u);
}

TEST(FrameReader, HoldsNothingMoreAfterAMillionEmptyFragments) {
  FrameReader reader;
  Feed(reader, Frame(kTextOp, "a"));
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += Frame(kCont, "");
  for (int i = 0; i < 1000; ++i) Feed(reader, flood);
  EXPECT_EQ(reader.BufferedBytes(), 1u);
  EXPECT_EQ(Feed(reader, LastFrame("b")), Text("ab"));
}

TEST(FrameReader, SwallowsEverythingOnceSpentAndHoldsNothing) {
  const std::string message = Frame(kBinaryOp, std::string(1000, 'x'));
  for (const std::string& last : {CloseFrame(1000), Frame(0x83, "")}) {
    for (const std::string& before : {""s, message}) {
      FrameReader reader;
      Feed(reader, before + last);
      EXPECT_FALSE(reader.InMessage());
      EXPECT_EQ(reader.BufferedBytes(), 0u);
      EXPECT_EQ(Feed(reader, message + PingFrame("p")).kind, Kind::kNeedMore);
      EXPECT_EQ(Feed(reader, "\x89").kind, Kind::kNeedMore);
      EXPECT_FALSE(reader.InMessage());
      EXPECT_EQ(reader.BufferedBytes(), 0u);
    }
  }
}

TEST(FrameReader, SurvivesAMoveInTheMiddleOfAMessage) {
  FrameReader reader;
  Feed(reader, Frame(kTextOp, "Hel") + "\x80");
  FrameReader moved = std::move(reader);
  EXPECT_EQ(Feed(moved, LastFrame("lo").substr(1)), Text("Hello"));
  EXPECT_EQ(Feed(reader, TextFrame("new")), Text("new"));
}

TEST(FrameReader, TakesALimitThatShrankBelowWhatItHoldsAsTooBig) {
  FrameReader reader;
  Feed(reader, Frame(kBinaryOp, "12345678"), 8);
  EXPECT_EQ(Feed(reader, LastFrame("1"), 4).close_code, 1009);
}

// To see a failed run again, set the variable to the number that it printed.
uint64_t Seed() {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  return seed;
}

// A stream that was made from its items, with what a client may vary: fragments, keys, and control
// frames in between.
std::string RandomStream(std::mt19937_64& random, std::vector<Got>& items) {
  const std::string_view words[] = {"ascii text ", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80"};
  std::string stream;
  for (uint64_t messages = 1 + random() % 5; messages > 0; --messages) {
    std::string payload;
    for (uint64_t n = random() % 20; n > 0; --n) payload += words[random() % std::size(words)];
    const bool is_text = random() % 2 == 0;
    uint8_t opcode = is_text ? kTextOp : kBinaryOp;
    size_t at = 0;
    for (bool last = false; !last; opcode = kCont) {
      last = random() % 3 != 0;
      const size_t end = last ? payload.size() : at + random() % (payload.size() - at + 1);
      stream += Frame((last ? kFin : 0) | opcode, payload.substr(at, end - at),
                      NetworkOrder(random(), 4));
      at = end;
      if (last) items.push_back(is_text ? Text(payload) : Binary(payload));
      if (random() % 4 != 0) continue;
      const std::string beat = std::to_string(random() % 1000);
      stream += Frame(kFin | (random() % 2 == 0 ? kPingOp : kPongOp), beat);
      items.push_back((stream[stream.size() - 6 - beat.size()] & 1) != 0 ? Ping(beat) : Pong(beat));
    }
  }
  return stream;
}

TEST(FrameReader, ReadsWhatARandomStreamWasMadeOfCutAtRandom) {
  const uint64_t seed = Seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10000; ++round) {
    std::vector<Got> expected;
    const std::string stream = RandomStream(random, expected);
    std::vector<size_t> cuts;
    for (size_t at = random() % 20; at < stream.size(); at += 1 + random() % 40) cuts.push_back(at);
    ASSERT_EQ(ReadCut(stream, cuts, kRoomy), expected) << "seed " << seed << " round " << round;
  }
}

// Whatever a client sends, where it is cut must not matter; a flipped bit leads to most violations.
TEST(FrameReader, GivesTheSameItemsOfADamagedStreamHoweverItIsSplit) {
  const uint64_t seed = Seed();
  std::mt19937_64 random(seed);
  size_t violations = 0;
  for (int round = 0; round < 10000; ++round) {
    std::vector<Got> ignored;
    std::string stream = RandomStream(random, ignored);
    stream[random() % stream.size()] ^= 1 << random() % 8;
    const size_t message_bytes_max = random() % 4 == 0 ? random() % 200 : kRoomy;
    const std::vector<Got> whole = ReadCut(stream, {}, message_bytes_max);
    if (!whole.empty() && whole.back().kind == Kind::kViolation) ++violations;
    const std::vector<size_t> every = EveryByte(stream.size());
    ASSERT_EQ(ReadCut(stream, every, message_bytes_max), whole) << "seed " << seed;
  }
  EXPECT_GT(violations, 1000u) << "a generator gone wrong would make this test say nothing";
}

}  // namespace
}  // namespace longwire
