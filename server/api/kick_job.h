#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/gateway.pb.h"
#include "server/base/refusal.h"
#include "server/hub/hub.h"

namespace longwire {

// What is wrong with a Kick; nothing when it can be tried.
std::optional<Refusal> CheckKick(const v1::KickRequest& request);

// Kicks the session, or all sessions of the uid. `done` is called once with the number of those
// that were there, when the LEAVE of each is in the log; on a loop or on this thread, and it must
// be quick. REQUIRES: nothing wrong by CheckKick; the request lives until it is done.
void RunKick(Hub& hub, const v1::KickRequest& request, absl::AnyInvocable<void(uint32_t)> done);

}  // namespace longwire
