#include "server/events/event_encoder.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstring>

namespace longwire {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr uint8_t Tag(int field, int wire_type) {
  return static_cast<uint8_t>(field << 3 | wire_type);
}
constexpr int kVarint = 0;
constexpr int kLengthDelimited = 2;

size_t StringFieldBytes(std::string_view value) {
  return 1 + CodedOutputStream::VarintSize32(static_cast<uint32_t>(value.size())) + value.size();
}

uint8_t* WriteLength(int field, size_t bytes, uint8_t* out) {
  *out++ = Tag(field, kLengthDelimited);
  return CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(bytes), out);
}

uint8_t* WriteString(int field, std::string_view value, uint8_t* out) {
  out = WriteLength(field, value.size(), out);
  // An empty view may have no bytes to point to, which memcpy must not be told of.
  if (!value.empty()) std::memcpy(out, value.data(), value.size());
  return out + value.size();
}

uint8_t* WriteNumber(int field, uint64_t value, uint8_t* out) {
  *out++ = Tag(field, kVarint);
  return CodedOutputStream::WriteVarint64ToArray(value, out);
}

void SetTime(int64_t wall_millis, google::protobuf::Timestamp& time) {
  time.set_seconds(wall_millis / 1'000);
  time.set_nanos(static_cast<int32_t>(wall_millis % 1'000) * 1'000'000);
}

void SetHead(const EventHead& head, v1::EventType type, v1::Event& event) {
  event.set_type(type);
  event.set_session_id(head.session_id);
  event.set_uid(std::string(head.uid));
  SetTime(head.wall_millis, *event.mutable_time());
}

}  // namespace

void AppendEnter(std::string& out, const EventHead& head, v1::Enter enter) {
  v1::Event event;
  SetHead(head, v1::EVENT_TYPE_ENTER, event);
  event.mutable_enter()->Swap(&enter);
  event.AppendToString(&out);
}

// By hand, since it is on the path of every message from a client: a generated message would copy
// the body twice and allocate four times. event_encoder_test holds it against the generated code.
void AppendRouted(std::string& out, const EventHead& head, std::string_view command,
                  MessageView message) {
  const int body_field = message.type == MessageType::kText ? 1 : 2;
  const size_t message_bytes = StringFieldBytes(message.body);
  const size_t routed_bytes =
      1 + CodedOutputStream::VarintSize32(static_cast<uint32_t>(message_bytes)) + message_bytes +
      (command.empty() ? 0 : StringFieldBytes(command));
  constexpr size_t kFixedBytesMax = 64;  // The type, the ID, the time, and Routed's own header.
  const size_t start = out.size();
  out.resize(start + kFixedBytesMax + StringFieldBytes(head.uid) + routed_bytes);
  uint8_t* const begin = reinterpret_cast<uint8_t*>(out.data());

  uint8_t* at = WriteNumber(2, v1::EVENT_TYPE_ROUTE, begin + start);
  at = WriteNumber(3, static_cast<uint64_t>(head.session_id), at);
  if (!head.uid.empty()) at = WriteString(4, head.uid, at);
  const uint64_t seconds = static_cast<uint64_t>(head.wall_millis / 1'000);
  const uint64_t nanos = static_cast<uint64_t>(head.wall_millis % 1'000) * 1'000'000;
  at = WriteLength(
      5, 2 + CodedOutputStream::VarintSize64(seconds) + CodedOutputStream::VarintSize64(nanos), at);
  at = WriteNumber(1, seconds, at);
  at = WriteNumber(2, nanos, at);
  at = WriteLength(7, routed_bytes, at);
  at = WriteLength(1, message_bytes, at);
  at = WriteString(body_field, message.body, at);
  if (!command.empty()) at = WriteString(2, command, at);
  out.resize(static_cast<size_t>(at - begin));
}

void AppendLeave(std::string& out, const EventHead& head, const Leave& leave) {
  v1::Event event;
  SetHead(head, v1::EVENT_TYPE_LEAVE, event);
  v1::Leave& detail = *event.mutable_leave();
  detail.set_reason(static_cast<v1::LeaveReason>(leave.reason));
  detail.set_close_code(leave.close_code);
  detail.set_close_reason(leave.close_reason);
  detail.set_silent(leave.silent);
  event.AppendToString(&out);
}

void AppendFramedSnapshotEnter(std::string& out, const EventHead& head,
                               const v1::Session& session) {
  v1::Event event;
  SetHead(head, v1::EVENT_TYPE_ENTER, event);
  event.set_snapshot(true);
  v1::Enter& enter = *event.mutable_enter();
  enter.set_remote_address(session.remote_address());
  enter.set_path(session.path());
  enter.set_subprotocol(session.subprotocol());
  *enter.mutable_attributes() = session.attributes();
  const size_t bytes = event.ByteSizeLong();
  uint8_t header[8];
  uint8_t* const end = WriteLength(3, bytes, header);
  out.append(reinterpret_cast<const char*>(header), static_cast<size_t>(end - header));
  event.AppendToString(&out);
}

}  // namespace longwire
