#pragma once

#include <cstdint>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/gateway.pb.h"
#include "server/api/push_message.h"
#include "server/base/refusal.h"
#include "server/hub/hub.h"
#include "server/hub/shared_frame.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

// The frame that every session of a Broadcast gets, made once and charged once to the outboxes'
// budget; or what is wrong with the request, or that there is no room.
std::variant<SharedFrame, Refusal> PlanBroadcast(const v1::BroadcastRequest& request, Hub& hub,
                                                 const ProtocolProvider& protocol,
                                                 const PushLimits& limits);

// Delivers the frame to the request's audience. Each loop does its part in slices, one a turn, so
// that a large audience holds up none of its sessions; whoever joins the audience meanwhile may or
// may not be reached. `done` is told, in sessions, how far it got: once, when all slices are
// through, on a loop; it must be quick. REQUIRES: a frame from PlanBroadcast; the request lives
// until it is done.
void RunBroadcast(Hub& hub, const v1::BroadcastRequest& request, SharedFrame frame,
                  absl::AnyInvocable<void(const DeliveryCounts&)> done);

}  // namespace longwire
