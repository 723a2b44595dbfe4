// Fuzzes FrameReader against a second reader of the protocol that is written for plainness: it has
// the whole stream before it and looks at one frame after the other. Whatever the bytes and however
// they are cut, both must find the same items.
//
// An input is: n, the number of piece lengths (one byte, modulo 16); n piece lengths (a byte each,
// used in turn, over and over); the message limit (one byte, times 8); and the client's stream.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/utf8.h"
#include "server/edge/frame.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::FrameReader;
using longwire::Opcode;
using longwire::Require;
using Kind = FrameReader::Item::Kind;

struct Got {
  Kind kind;
  std::string payload;
  uint16_t close_code = 0;

  bool operator==(const Got&) const = default;
};

// Decodes each code point and judges what came out, rather than the bytes on the way.
bool IsPlainUtf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const int tail = lead < 0x80 ? 0 : lead < 0xC0 ? -1 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (tail < 0 || lead >= 0xF8 || i + tail >= text.size()) return false;
    uint32_t code_point = tail == 0 ? lead : lead & (0x3F >> tail);
    for (int k = 1; k <= tail; ++k) {
      const auto byte = static_cast<uint8_t>(text[i + k]);
      if (byte / 64 != 2) return false;
      code_point = code_point * 64 + byte % 64;
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (code_point < kLeast[tail] || code_point > 0x10FFFF) return false;
    if (code_point >= 0xD800 && code_point < 0xE000) return false;
    i += tail + 1;
  }
  return true;
}

// Whether up to `more` bytes could make it UTF-8. Whatever RFC 3629 allows as a next byte, one of
// these is among it.
bool CouldBecomeUtf8(const std::string& text, int more) {
  if (IsPlainUtf8(text)) return true;
  if (more == 0) return false;
  for (const char next : {'\x80', '\x8F', '\x90', '\x9F', '\xA0', '\xBF'}) {
    if (CouldBecomeUtf8(text + next, more - 1)) return true;
  }
  return false;
}

class PlainReader {
 public:
  PlainReader(std::string_view bytes, size_t message_bytes_max)
      : rest_(bytes), message_bytes_max_(message_bytes_max) {}

  std::vector<Got> ReadAll() {
    while (!done_ && !rest_.empty()) ReadFrame();
    return items_;
  }

 private:
  void End(Got item) {
    items_.push_back(std::move(item));
    done_ = true;
  }
  void Fail(uint16_t code) { End({Kind::kViolation, "", code}); }
  void AwaitMore() { done_ = true; }

  uint8_t Byte(size_t i) const { return static_cast<uint8_t>(rest_[i]); }

  void ReadFrame() {
    const bool fin = Byte(0) >= 128;
    const int opcode = Byte(0) % 16;
    const bool control = opcode >= 8;
    if (Byte(0) % 128 / 16 != 0) return Fail(1002);
    if ((opcode > 2 && opcode < 8) || opcode > 10) return Fail(1002);
    if (control && !fin) return Fail(1002);
    if (!control && (opcode == 0) != (message_opcode_ != 0)) return Fail(1002);
    if (rest_.size() < 2) return AwaitMore();
    if (Byte(1) < 128) return Fail(1002);
    uint64_t length = Byte(1) - 128;
    size_t at = 2;
    if (control && length > 125) return Fail(1002);
    if (length > 125) {
      const size_t digits = length == 126 ? 2 : 8;
      if (rest_.size() < 2 + digits) return AwaitMore();
      length = 0;
      for (; at < 2 + digits; ++at) length = length * 256 + Byte(at);
      if (length > INT64_MAX || length < (digits == 2 ? 126u : 65536u)) return Fail(1002);
    }
    if (!control && message_.size() + length > message_bytes_max_) return Fail(1009);
    if (rest_.size() < at + 4) return AwaitMore();
    std::string payload(rest_.substr(at + 4, length));
    for (size_t i = 0; i < payload.size(); ++i) payload[i] ^= rest_[at + i % 4];
    const bool whole = payload.size() == length;
    rest_.remove_prefix(at + 4 + payload.size());
    if (!control) return TakeData(opcode, payload, whole, fin);
    if (whole) TakeControl(opcode, payload);
  }

  void TakeData(int opcode, const std::string& payload, bool whole, bool fin) {
    if (opcode != 0) message_opcode_ = opcode;
    const bool text = message_opcode_ == 1;
    message_ += payload;
    if (text && !CouldBecomeUtf8(message_, whole && fin ? 0 : 3)) return Fail(1007);
    if (!whole || !fin) return;
    items_.push_back({text ? Kind::kText : Kind::kBinary, message_});
    message_opcode_ = 0;
    message_.clear();
  }

  void TakeControl(int opcode, const std::string& payload) {
    if (opcode == 9) return items_.push_back({Kind::kPing, payload});
    if (opcode == 10) return items_.push_back({Kind::kPong, payload});
    if (payload.empty()) return End({Kind::kClose, "", 1005});
    if (payload.size() == 1) return Fail(1002);
    const int code = static_cast<uint8_t>(payload[0]) * 256 + static_cast<uint8_t>(payload[1]);
    constexpr int kKnown[] = {1000, 1001, 1002, 1003, 1007, 1008,
                              1009, 1010, 1011, 1012, 1013, 1014};
    const bool known = std::count(std::begin(kKnown), std::end(kKnown), code) > 0;
    if (!known && (code < 3000 || code > 4999)) return Fail(1002);
    if (!IsPlainUtf8(payload.substr(2))) return Fail(1007);
    End({Kind::kClose, payload.substr(2), static_cast<uint16_t>(code)});
  }

  std::string_view rest_;
  const size_t message_bytes_max_;
  bool done_ = false;
  int message_opcode_ = 0;  // 0: outside of a message.
  std::string message_;
  std::vector<Got> items_;
};

void RequireAllowed(const Got& item, size_t message_bytes_max) {
  switch (item.kind) {
    case Kind::kText:
      Require(IsPlainUtf8(item.payload), "a text is UTF-8");
      [[fallthrough]];
    case Kind::kBinary:
      Require(item.payload.size() <= message_bytes_max, "a message obeys the limit");
      return;
    case Kind::kPing:
    case Kind::kPong:
      Require(item.payload.size() <= 125, "a control payload has at most 125 bytes");
      return;
    case Kind::kClose:
      Require(item.payload.size() <= 123, "a close reason has at most 123 bytes");
      Require(IsPlainUtf8(item.payload), "a close reason is UTF-8");
      return;
    case Kind::kViolation:
      Require(item.close_code == 1002 || item.close_code == 1007 || item.close_code == 1009,
              "a violation closes with 1002, 1007 or 1009");
      Require(item.payload.find("(RFC 6455 ") != std::string::npos, "a violation names a section");
      return;
    case Kind::kNeedMore:
      return;
  }
}

// Reads the stream in pieces of these lengths (at least 1 each), used in turn.
std::vector<Got> ReadInPieces(std::string_view stream, const std::vector<size_t>& lengths,
                              size_t message_bytes_max) {
  FrameReader reader;
  std::vector<Got> items;
  size_t fed = 0;
  for (size_t turn = 0; fed < stream.size(); ++turn) {
    const size_t length = std::min(lengths[turn % lengths.size()], stream.size() - fed);
    // On the heap and gone with the turn, so that ASan sees a view that is kept for too long.
    const auto piece = std::make_unique<char[]>(length);
    std::copy_n(stream.data() + fed, length, piece.get());
    fed += length;
    std::span<char> input(piece.get(), length);
    while (true) {
      const FrameReader::Item item = reader.Next(input, message_bytes_max);
      if (item.kind == Kind::kNeedMore) break;
      items.push_back({item.kind, std::string(item.payload), item.close_code});
      RequireAllowed(items.back(), message_bytes_max);
    }
    Require(input.empty(), "kNeedMore takes all of the input");
    Require(reader.BufferedBytes() <= fed, "no more is held than came");
    Require(reader.BufferedBytes() <= message_bytes_max + 125 + 14, "what is held is bounded");
    Require(reader.InMessage() || reader.BufferedBytes() == 0, "an idle reader holds nothing");
  }
  return items;
}

// What the server would write for the item, masked with zeros, reads as the same item.
void RequireWriterAgrees(const Got& item) {
  if (item.kind == Kind::kViolation) return;
  std::string frame;
  if (item.kind == Kind::kClose) {
    const uint16_t code = item.close_code == 1005 ? 0 : item.close_code;
    longwire::AppendCloseFrame(frame, code, item.payload);
  } else {
    const Opcode opcode = item.kind == Kind::kText     ? Opcode::kText
                          : item.kind == Kind::kBinary ? Opcode::kBinary
                          : item.kind == Kind::kPing   ? Opcode::kPing
                                                       : Opcode::kPong;
    longwire::AppendFrame(frame, opcode, item.payload);
    Require(frame.size() == longwire::FrameHeaderBytes(item.payload.size()) + item.payload.size(),
            "a frame has the size that was promised");
  }
  const size_t length_bytes = (frame[1] & 0x7F) == 127 ? 8 : (frame[1] & 0x7F) == 126 ? 2 : 0;
  frame[1] |= '\x80';
  frame.insert(2 + length_bytes, 4, '\0');
  const std::vector<Got> read = ReadInPieces(frame, {frame.size()}, item.payload.size());
  Require(read == std::vector<Got>{item}, "the reader reads what the writer writes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  longwire::FuzzInput input(data, size);
  std::vector<size_t> lengths;
  for (size_t n = input.Byte() % 16; n > 0; --n) {
    lengths.push_back(std::max<size_t>(1, input.Byte()));
  }
  const size_t message_bytes_max = input.Byte() * size_t{8};
  const std::string_view rest = input.rest();
  if (rest.empty()) return 0;

  const std::vector<Got> whole = ReadInPieces(rest, {rest.size()}, message_bytes_max);
  Require(ReadInPieces(rest, {1}, message_bytes_max) == whole, "bytes one by one read the same");
  if (!lengths.empty()) {
    Require(ReadInPieces(rest, lengths, message_bytes_max) == whole, "pieces read the same");
  }
  std::vector<Got> plain = PlainReader(rest, message_bytes_max).ReadAll();
  Require(plain.size() == whole.size(), "both readers find as many items");
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i].kind == Kind::kViolation) plain[i].payload = whole[i].payload;
    Require(plain[i] == whole[i], "both readers find the same items");
    RequireWriterAgrees(whole[i]);
  }
  Require(longwire::IsValidUtf8(rest) == IsPlainUtf8(std::string(rest)),
          "both UTF-8 validators agree");
  return 0;
}
