#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "longwire/v1/gateway.pb.h"
#include "server/base/refusal.h"
#include "server/engine/event_log.h"
#include "server/events/consumer_group.h"
#include "server/events/event_feed.h"

namespace longwire {

// What a SubscribeEventsRequest asks for, checked.
struct EventStreamPlan {
  EventFeed::Options feed;
  // Without a group: where to read from; unused with a snapshot, which says itself.
  uint64_t next = 0;
  bool has_snapshot = false;
  bool is_after_restart = false;  // The cursor was of another log: Gap{RESTART} comes first.
  // With one.
  std::string group;  // Empty = none.
  GroupStart group_start;
};

// `partitions` is the number that the log has.
std::variant<EventStreamPlan, Refusal> PlanEventStream(const v1::SubscribeEventsRequest& request,
                                                       const EventLog& log, uint32_t partitions);

}  // namespace longwire
