#include "tests/support/ws_frame.h"

#include <algorithm>

namespace longwire::test {
namespace {

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

Received Bad(std::string what) {
  return {Received::Kind::kBadFrame, std::move(what), 0};
}

bool MayBeSent(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

Received ParseClose(const std::string& payload) {
  if (payload.empty()) return Received::Close(1005);
  if (payload.size() == 1) return Bad("a Close frame with one byte");
  const auto code = static_cast<uint16_t>(BigEndian(std::string_view(payload).substr(0, 2)));
  if (!MayBeSent(code)) return Bad("close code " + std::to_string(code));
  if (!IsUtf8(std::string_view(payload).substr(2))) return Bad("a close reason that is not UTF-8");
  return Received::Close(code, payload.substr(2));
}

}  // namespace

std::string Frame::Bytes() const {
  std::string out;
  out.push_back(static_cast<char>((fin ? 0x80 : 0) | rsv << 4 | static_cast<uint8_t>(op)));
  const uint64_t length = announced_length.value_or(payload.size());
  const int mask_bit = masked ? 0x80 : 0;
  if (length_form == LengthForm::kShortest && length <= 125) {
    out.push_back(static_cast<char>(mask_bit | static_cast<int>(length)));
  } else if (length_form == LengthForm::k16Bit ||
             (length_form == LengthForm::kShortest && length <= 0xffff)) {
    out.push_back(static_cast<char>(mask_bit | 126));
    AppendBigEndian(out, length, 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | 127));
    AppendBigEndian(out, length, 8);
  }
  if (!masked) return out + payload;
  for (const uint8_t byte : mask) out.push_back(static_cast<char>(byte));
  for (size_t i = 0; i < payload.size(); ++i) {
    out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  return out;
}

std::string TextFrame(std::string payload, bool fin) {
  return Frame{.op = Op::kText, .payload = std::move(payload), .fin = fin}.Bytes();
}

std::string BinaryFrame(std::string payload, bool fin) {
  return Frame{.op = Op::kBinary, .payload = std::move(payload), .fin = fin}.Bytes();
}

std::string Continuation(std::string payload, bool fin) {
  return Frame{.op = Op::kContinuation, .payload = std::move(payload), .fin = fin}.Bytes();
}

std::string PingFrame(std::string payload) {
  return Frame{.op = Op::kPing, .payload = std::move(payload)}.Bytes();
}

std::string PongFrame(std::string payload) {
  return Frame{.op = Op::kPong, .payload = std::move(payload)}.Bytes();
}

std::string CloseFrame(uint16_t code, std::string_view reason) {
  std::string payload;
  if (code != 0) AppendBigEndian(payload, code, 2);
  payload += reason;
  return Frame{.op = Op::kClose, .payload = std::move(payload)}.Bytes();
}

std::string Fragmented(Op op, std::string_view payload, size_t fragment_bytes) {
  std::string bytes;
  for (size_t at = 0; at == 0 || at < payload.size(); at += fragment_bytes) {
    bytes += Frame{.op = at == 0 ? op : Op::kContinuation,
                   .payload = std::string(payload.substr(at, fragment_bytes)),
                   .fin = at + fragment_bytes >= payload.size()}
                 .Bytes();
  }
  return bytes;
}

void PrintTo(const Received& received, std::ostream* os) {
  static constexpr const char* kNames[] = {"text", "binary", "ping",    "pong",     "close",
                                           "EOF",  "RST",    "timeout", "bad frame"};
  *os << kNames[static_cast<size_t>(received.kind)];
  if (received.kind == Received::Kind::kClose) *os << " " << received.close_code;
  if (received.kind == Received::Kind::kEof || received.kind == Received::Kind::kTimeout) return;
  *os << " (" << received.payload.size() << " bytes) "
      << ::testing::PrintToString(received.payload.substr(0, 200));
}

std::optional<Received> FrameParser::Next(std::string& bytes) {
  while (bytes.size() >= 2) {
    const auto first = static_cast<uint8_t>(bytes[0]);
    const auto second = static_cast<uint8_t>(bytes[1]);
    if ((first & 0x70) != 0) return Bad("a reserved bit");
    if ((second & 0x80) != 0) return Bad("a masked frame");
    uint64_t length = second & 0x7f;
    const size_t header_bytes = length == 127 ? 10 : length == 126 ? 4 : 2;
    if (bytes.size() < header_bytes) return std::nullopt;
    if (header_bytes > 2) {
      length = BigEndian(std::string_view(bytes).substr(2, header_bytes - 2));
      if (length <= (header_bytes == 4 ? 125 : 0xffff))
        return Bad("a length not in its shortest form");
    }
    if (bytes.size() - header_bytes < length) return std::nullopt;
    std::string payload = bytes.substr(header_bytes, length);
    bytes.erase(0, header_bytes + length);
    const auto item =
        OnFrame(static_cast<Op>(first & 0x0f), (first & 0x80) != 0, std::move(payload));
    if (item) return item;
  }
  return std::nullopt;
}

std::optional<Received> FrameParser::OnFrame(Op op, bool fin, std::string payload) {
  if (op >= Op::kClose) {
    if (!fin || payload.size() > 125) return Bad("a control frame that is split or too long");
    if (op == Op::kPing) return Received::Ping(std::move(payload));
    if (op == Op::kPong) return Received::Pong(std::move(payload));
    return op == Op::kClose ? ParseClose(payload) : Bad("a reserved opcode");
  }
  if (op > Op::kBinary) return Bad("a reserved opcode");
  if ((op == Op::kContinuation) != message_op_.has_value()) return Bad("a fragment out of place");
  if (op != Op::kContinuation) message_op_ = op;
  message_ += payload;
  if (!fin) return std::nullopt;
  const Op message_op = *std::exchange(message_op_, std::nullopt);
  std::string message = std::exchange(message_, {});
  if (message_op == Op::kBinary) return Received::Binary(std::move(message));
  if (!IsUtf8(message)) return Bad("text that is not UTF-8");
  return Received::Text(std::move(message));
}

bool IsUtf8(std::string_view bytes) {
  static constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    const size_t size = lead < 0x80       ? 1
                        : lead >> 5 == 6  ? 2
                        : lead >> 4 == 14 ? 3
                        : lead >> 3 == 30 ? 4
                                          : 0;
    if (size == 0 || bytes.size() - i < size) return false;
    uint32_t point = size == 1 ? lead : lead & (0x7f >> size);
    for (size_t k = 1; k < size; ++k) {
      const auto byte = static_cast<uint8_t>(bytes[i + k]);
      if (byte >> 6 != 2) return false;
      point = point << 6 | (byte & 0x3f);
    }
    if (point < kSmallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      return false;
    }
    i += size;
  }
  return true;
}

}  // namespace longwire::test
