#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "longwire/v1/types.pb.h"
#include "server/base/refusal.h"
#include "server/core/message.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

// What a message to a client may be.
struct PushLimits {
  size_t message_bytes_max = 0;
};

// Turns a backend's message into what the client gets, or tells what is wrong with it. `encoded`
// points into `message` or into `scratch`, which must be empty.
std::optional<Refusal> EncodePush(const v1::Message& message, const ProtocolProvider& protocol,
                                  const PushLimits& limits, std::string& scratch,
                                  MessageView& encoded);

}  // namespace longwire
