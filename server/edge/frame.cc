#include "server/edge/frame.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "server/base/check.h"
#include "server/base/utf8.h"
#include "server/core/leave.h"

namespace longwire {
namespace {

using Item = FrameReader::Item;
using Kind = FrameReader::Item::Kind;

constexpr uint8_t kReservedBits = 0x70;
constexpr uint8_t kOpcodeBits = 0x0F;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLengthBits = 0x7F;
constexpr size_t kMaskBytes = 4;
constexpr size_t kClientFrameHeaderBytesMax = kServerFrameHeaderBytesMax + kMaskBytes;

using Mask = std::array<char, kMaskBytes>;

// One thing that a peer must not do.
struct Refusal {
  CloseCode close_code;
  std::string_view text;
};

constexpr Refusal Protocol(std::string_view text) {
  return {CloseCode::kProtocolError, text};
}

constexpr Refusal kReservedBitSet = Protocol("reserved bit is set (RFC 6455 5.2)");
constexpr Refusal kReservedOpcode = Protocol("opcode is reserved (RFC 6455 5.2)");
constexpr Refusal kControlInFragments = Protocol("control frame is fragmented (RFC 6455 5.5)");
constexpr Refusal kControlTooLong = Protocol("control frame exceeds 125 bytes (RFC 6455 5.5)");
constexpr Refusal kNothingToContinue = Protocol("continuation without a message (RFC 6455 5.4)");
constexpr Refusal kMessageInMessage = Protocol("new message within a message (RFC 6455 5.4)");
constexpr Refusal kNotMasked = Protocol("frame is not masked (RFC 6455 5.1)");
constexpr Refusal kLengthNotMinimal = Protocol("length is not minimal (RFC 6455 5.2)");
constexpr Refusal kLengthTopBit = Protocol("length has its top bit set (RFC 6455 5.2)");
constexpr Refusal kHalfACloseCode = Protocol("close frame holds half a code (RFC 6455 5.5.1)");
constexpr Refusal kCloseCodeNotOnWire = Protocol("close code is not for the wire (RFC 6455 7.4)");
constexpr Refusal kTooBig = {CloseCode::kMessageTooBig, "message is too big (RFC 6455 10.4)"};
constexpr Refusal kTextNotUtf8 = {CloseCode::kInvalidPayload, "text is not UTF-8 (RFC 6455 8.1)"};
constexpr Refusal kReasonNotUtf8 = {CloseCode::kInvalidPayload,
                                    "close reason is not UTF-8 (RFC 6455 5.5.1)"};

// Reads a number of `bytes` bytes in network order.
uint64_t ReadNumber(const char* at, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<uint8_t>(at[i]);
  return number;
}

// XORs `bytes` with the key, whose first byte meets the first byte of `bytes` (RFC 6455 5.3).
void Unmask(std::span<char> bytes, const Mask& mask) {
  char* at = bytes.data();
  char* const end = at + bytes.size();
  uint64_t key;
  std::memcpy(&key, mask.data(), kMaskBytes);
  std::memcpy(reinterpret_cast<char*>(&key) + kMaskBytes, mask.data(), kMaskBytes);
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    word ^= key;
    std::memcpy(at, &word, sizeof(word));
  }
  // Eight is a multiple of the key's length, so what is left begins with the key's first byte.
  for (size_t i = 0; at != end; ++at, ++i) *at ^= mask[i % kMaskBytes];
}

// What a frame is judged against: the message it may belong to, and the limit.
struct Surroundings {
  bool in_message;
  uint64_t message_bytes;
  uint64_t message_bytes_max;
};

struct Header {
  Opcode opcode;
  bool final;
  uint8_t header_bytes = 0;  // 0: not all of the header is there yet.
  Mask mask;
  uint64_t payload_bytes;
};

const Refusal* CheckFirstByte(uint8_t first, bool in_message) {
  if ((first & kReservedBits) != 0) return &kReservedBitSet;
  const uint8_t opcode = first & kOpcodeBits;
  if (opcode >= static_cast<uint8_t>(Opcode::kClose)) {
    if (opcode > static_cast<uint8_t>(Opcode::kPong)) return &kReservedOpcode;
    return (first & kFinalBit) == 0 ? &kControlInFragments : nullptr;
  }
  if (opcode > static_cast<uint8_t>(Opcode::kBinary)) return &kReservedOpcode;
  const bool continues = opcode == static_cast<uint8_t>(Opcode::kContinuation);
  if (continues && !in_message) return &kNothingToContinue;
  if (!continues && in_message) return &kMessageInMessage;
  return nullptr;
}

const Refusal* CheckLength(Opcode opcode, uint64_t payload_bytes, uint64_t shortest,
                           const Surroundings& around) {
  if (payload_bytes >> 63 != 0) return &kLengthTopBit;
  if (payload_bytes < shortest) return &kLengthNotMinimal;
  if (IsControl(opcode)) return nullptr;
  // Written so that no sum can overflow.
  if (payload_bytes > around.message_bytes_max ||
      around.message_bytes > around.message_bytes_max - payload_bytes) {
    return &kTooBig;
  }
  return nullptr;
}

// Reads a header from the front of `bytes`, which may hold less than a header or more. What is
// wrong is told as soon as the bytes show it and in the order of the bytes, so that the answer does
// not depend on how many of them are there.
const Refusal* DecodeHeader(std::span<const char> bytes, const Surroundings& around,
                            Header& header) {
  if (bytes.empty()) return nullptr;
  const auto first = static_cast<uint8_t>(bytes[0]);
  if (const Refusal* refusal = CheckFirstByte(first, around.in_message)) return refusal;
  if (bytes.size() < 2) return nullptr;
  header.opcode = static_cast<Opcode>(first & kOpcodeBits);
  header.final = (first & kFinalBit) != 0;

  const auto second = static_cast<uint8_t>(bytes[1]);
  if ((second & kMaskBit) == 0) return &kNotMasked;
  const uint8_t length = second & kLengthBits;
  size_t length_bytes = 0;
  uint64_t shortest = 0;
  if (length >= kLengthIn16Bits) {
    if (IsControl(header.opcode)) return &kControlTooLong;
    length_bytes = length == kLengthIn16Bits ? 2 : 8;
    shortest = length == kLengthIn16Bits ? kLengthIn16Bits : uint64_t{1} << 16;
  }
  if (bytes.size() < 2 + length_bytes) return nullptr;
  header.payload_bytes = length_bytes == 0 ? length : ReadNumber(&bytes[2], length_bytes);
  if (const Refusal* refusal = CheckLength(header.opcode, header.payload_bytes, shortest, around)) {
    return refusal;
  }
  if (bytes.size() < 2 + length_bytes + kMaskBytes) return nullptr;
  std::memcpy(header.mask.data(), &bytes[2 + length_bytes], kMaskBytes);
  header.header_bytes = static_cast<uint8_t>(2 + length_bytes + kMaskBytes);
  return nullptr;
}

Item Refuse(const Refusal& refusal) {
  return {Kind::kViolation, refusal.text, static_cast<uint16_t>(refusal.close_code)};
}

Item CloseItem(std::string_view payload) {
  if (payload.empty()) return {Kind::kClose, payload, static_cast<uint16_t>(CloseCode::kNoStatus)};
  if (payload.size() == 1) return Refuse(kHalfACloseCode);
  const auto code = static_cast<uint16_t>(ReadNumber(payload.data(), 2));
  if (!IsCloseCodeOnWire(code)) return Refuse(kCloseCodeNotOnWire);
  payload.remove_prefix(2);
  if (!IsValidUtf8(payload)) return Refuse(kReasonNotUtf8);
  return {Kind::kClose, payload, code};
}

// The item of a whole message, whose text has been checked, or of a whole control frame.
Item WholeItem(Opcode opcode, std::string_view payload) {
  switch (opcode) {
    case Opcode::kText:
      return {Kind::kText, payload, 0};
    case Opcode::kPing:
      return {Kind::kPing, payload, 0};
    case Opcode::kPong:
      return {Kind::kPong, payload, 0};
    case Opcode::kClose:
      return CloseItem(payload);
    case Opcode::kBinary:
    case Opcode::kContinuation:
      break;  // A message has the opcode of its first frame.
  }
  return {Kind::kBinary, payload, 0};
}

std::string_view View(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

void TakeAll(std::span<char>& input) {
  input = input.last(0);
}

}  // namespace

void AppendCloseFrame(std::string& out, uint16_t code, std::string_view reason) {
  LONGWIRE_CHECK(code == 0 ? reason.empty() : IsCloseCodeOnWire(code), "code {}", code);
  if (code == 0) return AppendFrame(out, Opcode::kClose, {});
  char head[kServerFrameHeaderBytesMax + 2];
  const size_t header_bytes = WriteFrameHeader(Opcode::kClose, 2 + reason.size(), head);
  head[header_bytes] = static_cast<char>(code >> 8);
  head[header_bytes + 1] = static_cast<char>(code & 0xFF);
  out.append(head, header_bytes + 2);
  out.append(reason);
}

bool IsCloseCodeOnWire(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

struct FrameReader::Partial {
  // Whether nothing is incomplete. Then this lives on only for the item given out last, whose
  // payload it may hold.
  bool Idle() const { return !spent && !in_message && !in_payload && header_bytes == 0; }

  Surroundings Around(size_t message_bytes_max) const {
    return {in_message, message.size(), message_bytes_max};
  }

  const Refusal* TakeHeader(std::span<char>& input, size_t message_bytes_max);
  const Refusal* TakePayload(std::span<char>& input);

  // The frame at hand: first its header gathers in `header_data`, then in_payload holds.
  uint8_t header_bytes = 0;
  bool in_payload = false;
  bool in_message = false;
  bool spent = false;
  Opcode message_opcode = Opcode::kText;
  Utf8Validator message_utf8;
  std::array<char, kClientFrameHeaderBytesMax> header_data;
  Header header;  // Only while in_payload. Its mask is turned to meet the next byte.
  uint64_t payload_left = 0;
  std::string message;  // Of the fragments so far. Empty outside of a message, but when Idle().
  std::string control;  // Apart from `message`, since control frames come between fragments.
};

// Takes bytes up to the end of the header; then in_payload is set.
const Refusal* FrameReader::Partial::TakeHeader(std::span<char>& input, size_t message_bytes_max) {
  const size_t copied = std::min(header_data.size() - header_bytes, input.size());
  if (copied > 0) std::memcpy(&header_data[header_bytes], input.data(), copied);
  header = {};
  const std::span<const char> known = std::span(header_data).first(header_bytes + copied);
  const Refusal* refusal = DecodeHeader(known, Around(message_bytes_max), header);
  if (refusal != nullptr) return refusal;
  if (header.header_bytes == 0) {
    header_bytes += static_cast<uint8_t>(copied);
    input = input.subspan(copied);
    return nullptr;
  }
  input = input.subspan(header.header_bytes - header_bytes);
  header_bytes = 0;
  in_payload = true;
  payload_left = header.payload_bytes;
  if (IsControl(header.opcode)) {
    control.clear();
  } else if (header.opcode != Opcode::kContinuation) {
    in_message = true;
    message_opcode = header.opcode;
  }
  return nullptr;
}

// Takes what is there of the payload; at its end in_payload is unset.
const Refusal* FrameReader::Partial::TakePayload(std::span<char>& input) {
  const size_t taken = std::min<uint64_t>(payload_left, input.size());
  const std::span<char> bytes = input.first(taken);
  input = input.subspan(taken);
  Unmask(bytes, header.mask);
  const auto mask = header.mask;
  for (size_t i = 0; i < kMaskBytes; ++i) header.mask[i] = mask[(i + taken) % kMaskBytes];
  payload_left -= taken;
  in_payload = payload_left > 0;
  if (IsControl(header.opcode)) {
    control.append(View(bytes));
    return nullptr;
  }
  if (message_opcode == Opcode::kText && !message_utf8.Feed(View(bytes))) return &kTextNotUtf8;
  message.append(View(bytes));
  if (in_payload || !header.final) return nullptr;
  in_message = false;
  return message_utf8.Complete() ? nullptr : &kTextNotUtf8;
}

FrameReader::FrameReader() = default;
FrameReader::~FrameReader() = default;
FrameReader::FrameReader(FrameReader&&) noexcept = default;
FrameReader& FrameReader::operator=(FrameReader&&) noexcept = default;

FrameReader::Item FrameReader::Next(std::span<char>& input, size_t message_bytes_max) {
  if (partial_ != nullptr) return NextInParts(input, message_bytes_max);
  Header header;
  const Refusal* refusal = DecodeHeader(input, {false, 0, message_bytes_max}, header);
  if (refusal == nullptr) {
    if (input.empty()) return {};
    if (header.header_bytes == 0 || !header.final ||
        header.payload_bytes > input.size() - header.header_bytes) {
      return NextInParts(input, message_bytes_max);
    }
    const std::span<char> payload = input.subspan(header.header_bytes, header.payload_bytes);
    input = input.subspan(header.header_bytes + header.payload_bytes);
    Unmask(payload, header.mask);
    if (header.opcode != Opcode::kText || IsValidUtf8(View(payload))) {
      return Finish(WholeItem(header.opcode, View(payload)));
    }
    refusal = &kTextNotUtf8;
  }
  TakeAll(input);
  return Finish(Refuse(*refusal));
}

// Next() for everything but a whole message or control frame that lies in the input in one piece
// while nothing is half read.
FrameReader::Item FrameReader::NextInParts(std::span<char>& input, size_t message_bytes_max) {
  if (partial_ == nullptr) {
    partial_ = std::make_unique<Partial>();
  } else if (partial_->Idle()) {
    partial_.reset();
    return Next(input, message_bytes_max);
  } else if (partial_->spent) {
    TakeAll(input);
    return {};
  }
  Partial& partial = *partial_;
  // A fragment that is not the last one gives no item, hence the loop: several may be in the input.
  while (true) {
    const Refusal* refusal = nullptr;
    if (!partial.in_payload) refusal = partial.TakeHeader(input, message_bytes_max);
    if (refusal == nullptr) {
      if (!partial.in_payload) return {};
      refusal = partial.TakePayload(input);
    }
    if (refusal != nullptr) {
      TakeAll(input);
      return Finish(Refuse(*refusal));
    }
    if (partial.in_payload) return {};
    if (IsControl(partial.header.opcode)) {
      return Finish(WholeItem(partial.header.opcode, partial.control));
    }
    if (!partial.in_message) return WholeItem(partial.message_opcode, partial.message);
  }
}

// Passes the item on; after the last one that a peer can have, the reader is spent.
FrameReader::Item FrameReader::Finish(const Item& item) {
  if (item.kind == Kind::kClose || item.kind == Kind::kViolation) {
    if (partial_ == nullptr) partial_ = std::make_unique<Partial>();
    partial_->spent = true;
    std::string().swap(partial_->message);
  }
  return item;
}

bool FrameReader::InMessage() const {
  return partial_ != nullptr && !partial_->spent && !partial_->Idle();
}

size_t FrameReader::BufferedBytes() const {
  if (!InMessage()) return 0;
  const bool in_control = partial_->in_payload && IsControl(partial_->header.opcode);
  return partial_->header_bytes + partial_->message.size() +
         (in_control ? partial_->control.size() : 0);
}

}  // namespace longwire
