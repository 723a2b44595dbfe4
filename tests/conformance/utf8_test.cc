// RFC 6455 sections 5.6 and 8.1: text is UTF-8, and what is not fails at once.
#include <ostream>
#include <string>

#include "tests/conformance/conformance.h"

namespace longwire::test {
namespace {

using namespace std::string_literals;

struct Sequence {
  const char* name;
  std::string bytes;
};
void PrintTo(const Sequence& sequence, std::ostream* os) {
  *os << sequence.name;
}

// Every way to cut a text: whole, byte by byte, one byte a fragment, and around a fragment's end.
class Utf8 : public Conformance, public ::testing::WithParamInterface<Sequence> {
 protected:
  const std::string& bytes() const { return GetParam().bytes; }
};

class GoodUtf8 : public Utf8 {};

TEST_P(GoodUtf8, IsEchoedHoweverItIsCut) {
  ws().SendText(bytes());
  ExpectText(bytes());
  ws().SendByteByByte(TextFrame(bytes()));
  ExpectText(bytes());
  ws().Send(Fragmented(Op::kText, bytes(), 1));
  ExpectText(bytes());
  ws().Send(TextFrame("before " + bytes() + " behind"));
  ExpectText("before " + bytes() + " behind");
}

const Sequence kGood[] = {
    {"Nothing", ""},
    {"Nul", "\0"s},
    {"Ascii", "Hello"},
    {"Delete", "\x7f"},
    {"First2Bytes", "\xc2\x80"},
    {"Last2Bytes", "\xdf\xbf"},
    {"First3Bytes", "\xe0\xa0\x80"},
    {"BelowSurrogates", "\xed\x9f\xbf"},
    {"AboveSurrogates", "\xee\x80\x80"},
    {"Last3Bytes", "\xef\xbf\xbf"},
    {"Replacement", "\xef\xbf\xbd"},
    {"NonCharacterFFFE", "\xef\xbf\xbe"},
    {"NonCharacter1FFFF", "\xf0\x9f\xbf\xbf"},
    {"ByteOrderMark", "\xef\xbb\xbf"},
    {"First4Bytes", "\xf0\x90\x80\x80"},
    {"Last4Bytes", "\xf4\x8f\xbf\xbf"},
    {"Greek", "κόσμε"},
    {"German", "Hello-µ@ßöäüàá-UTF-8!!"},
    {"Chinese", "你好，世界"},
    {"Emoji", "👩‍👩‍👧‍👦"},
};

INSTANTIATE_TEST_SUITE_P(Of, GoodUtf8, ::testing::ValuesIn(kGood),
                         [](const auto& instance) { return std::string(instance.param.name); });

// `bytes` with its last byte are the shortest that cannot begin any UTF-8.
class BadUtf8 : public Utf8 {};

TEST_P(BadUtf8, FailsInAWholeFrame) {
  ExpectFailAfter(TextFrame("ok " + bytes() + " ok"), 1007);
}

TEST_P(BadUtf8, FailsInFragments) {
  ExpectFailAfter(Fragmented(Op::kText, "ok " + bytes() + " ok", 1), 1007);
}

TEST_P(BadUtf8, FailsByteByByte) {
  ws().SendByteByByte(TextFrame("ok " + bytes()));
  ExpectFail(1007);
}

// The message is not over, the frame is: nothing that follows could make it good.
TEST_P(BadUtf8, FailsAtTheEndOfTheFragmentThatHasIt) {
  ExpectFailAfter(TextFrame("ok " + bytes(), false), 1007);
}

// Not even the frame is over.
TEST_P(BadUtf8, FailsAtTheByteThatIsWrong) {
  const std::string frame = TextFrame("ok " + bytes() + std::string(1000, 'x'));
  ExpectFailAfter(frame.substr(0, frame.size() - 1000), 1007);
}

const Sequence kBad[] = {
    {"LoneContinuation80", "\x80"},
    {"LoneContinuationBF", "\xbf"},
    {"OverlongC0", "\xc0"},
    {"OverlongC1", "\xc1"},
    {"LeadF5", "\xf5"},
    {"LeadF8", "\xf8"},
    {"LeadFC", "\xfc"},
    {"LeadFE", "\xfe"},
    {"LeadFF", "\xff"},
    {"Lead2BytesThenAscii", "\xc2\x20"},
    {"Lead2BytesThenLead", "\xc2\xc2"},
    {"Overlong3Bytes", "\xe0\x9f"},
    {"Lead3BytesThenAscii", "\xe1\x80\x20"},
    {"SurrogateD800", "\xed\xa0"},
    {"SurrogateDFFF", "\xed\xbf"},
    {"Overlong4Bytes", "\xf0\x8f"},
    {"Above10FFFF", "\xf4\x90"},
    {"Lead4BytesThenAscii", "\xf1\x80\x80\x20"},
    {"GreekThenSurrogate", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0"},
    {"GreekThenAbove10FFFF", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90"},
    {"GoodThenLoneContinuation", "\xe2\x82\xac\x80"},
};

INSTANTIATE_TEST_SUITE_P(Of, BadUtf8, ::testing::ValuesIn(kBad),
                         [](const auto& instance) { return std::string(instance.param.name); });

// Good so far, but the message ends inside a character.
class UnfinishedUtf8 : public Utf8 {};

TEST_P(UnfinishedUtf8, FailsAtTheEndOfTheMessage) {
  ExpectFailAfter(TextFrame("ok " + bytes()), 1007);
}

TEST_P(UnfinishedUtf8, FailsAtTheEndOfTheLastFragment) {
  ws().Send(TextFrame("ok " + bytes(), false));
  ExpectAlive();
  ExpectFailAfter(Continuation(""), 1007);
}

TEST_P(UnfinishedUtf8, IsBinaryWhenItIsCalledSo) {
  ws().SendBinary(bytes());
  ExpectBinary(bytes());
}

const Sequence kUnfinished[] = {
    {"1Of2", "\xc3"},        {"1Of3", "\xe2"},
    {"2Of3", "\xe2\x82"},    {"1Of4", "\xf0"},
    {"2Of4", "\xf0\x9f"},    {"3Of4", "\xf0\x9f\x98"},
    {"2OfLast", "\xf4\x8f"}, {"2Of3BelowSurrogates", "\xed\x9f"},
};

INSTANTIATE_TEST_SUITE_P(Of, UnfinishedUtf8, ::testing::ValuesIn(kUnfinished),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace longwire::test
