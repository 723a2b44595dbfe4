#include "server/engine/event_log.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstring>

namespace longwire {
namespace {

using google::protobuf::io::CodedOutputStream;

// Tag of SubscribeEventsResponse.events (3) and of Event.sequence (1), as they stand on the wire.
constexpr char kEventsTag = (3 << 3) | 2;
constexpr char kSequenceTag = (1 << 3) | 0;
// An event takes this much or more, so the entries never run out long before the bytes do.
constexpr size_t kEventBytesTypical = 64;

uint8_t* WriteByte(char byte, uint8_t* out) {
  *out = static_cast<uint8_t>(byte);
  return out + 1;
}

}  // namespace

EventSegment::EventSegment(uint64_t first_sequence, size_t bytes_max)
    : first_sequence_(first_sequence),
      bytes_max_(bytes_max),
      entries_max_(bytes_max / kEventBytesTypical + 1),
      bytes_(new char[bytes_max]),
      entries_(new Entry[entries_max_ + 1]) {
  entries_[0].offset = 0;
}

bool EventSegment::HasRoomFor(size_t body_bytes) const {
  return count_ < entries_max_ &&
         entries_[count_].offset + kFramingBytesMax + body_bytes <= bytes_max_;
}

void EventSegment::Append(std::string_view body, EventTraits traits, int64_t now_millis) {
  const uint64_t sequence = first_sequence_ + count_;
  const uint32_t offset = entries_[count_].offset;
  const size_t event_bytes = 1 + CodedOutputStream::VarintSize64(sequence) + body.size();
  uint8_t* const start = reinterpret_cast<uint8_t*>(bytes_.get()) + offset;
  uint8_t* out = WriteByte(kEventsTag, start);
  out = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(event_bytes), out);
  out = WriteByte(kSequenceTag, out);
  out = CodedOutputStream::WriteVarint64ToArray(sequence, out);
  std::memcpy(out, body.data(), body.size());
  out += body.size();
  if (count_ == 0) first_append_millis_ = now_millis;
  last_append_millis_ = now_millis;
  entries_[count_].traits = traits;
  ++count_;
  entries_[count_].offset = offset + static_cast<uint32_t>(out - start);
}

}  // namespace longwire
