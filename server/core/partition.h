#pragma once

#include <cstdint>
#include <string_view>

#include "server/core/session_id.h"

namespace longwire {

// The event log is shared out in partitions. All events of a uid (of a session, where anonymous)
// are in one, so a partition is the unit in which consumer groups share events and keep their
// order.
using PartitionNumber = uint16_t;

// Which of `partitions` a session's events are in. The same on every node, in every build and
// process. REQUIRES: partitions > 0.
PartitionNumber PartitionOf(std::string_view uid, SessionId id, uint32_t partitions);

}  // namespace longwire
