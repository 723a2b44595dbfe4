#include "server/hub/shared_frame.h"

#include "server/core/frame_header.h"

namespace longwire {

SharedFrame SharedFrame::Make(MessageView message, ByteBudget& budget) {
  const size_t bytes = FrameBytes(message.body.size());
  if (!budget.Take(bytes)) return {};
  auto body = std::make_shared<Body>(budget);
  body->bytes.reserve(bytes);
  const Opcode opcode = message.type == MessageType::kText ? Opcode::kText : Opcode::kBinary;
  AppendFrame(body->bytes, opcode, message.body);
  return SharedFrame(std::move(body));
}

}  // namespace longwire
