#include "server/api/event_stream_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/base/limits.h"
#include "server/core/name.h"

namespace longwire {
namespace {

std::optional<Refusal> PlanFilter(const v1::SubscribeEventsRequest& request, EventFilter& filter) {
  filter = {.types = EventFilter::kAllTypes, .include_silent = request.include_silent()};
  if (request.types().empty()) return std::nullopt;
  filter.types = 0;
  for (const int type : request.types()) {
    if (type < v1::EVENT_TYPE_ENTER || type > v1::EVENT_TYPE_LEAVE) {
      return Refusal{Reason::kBadEventType, fmt::format("{} is no type of event", type)};
    }
    filter.types |= static_cast<uint8_t>(1 << type);
  }
  return std::nullopt;
}

std::optional<Refusal> PlanAcks(const v1::SubscribeEventsRequest& request,
                                EventFeed::Options& feed) {
  feed.manual_ack = request.manual_ack();
  feed.unacked_events_max = request.unacked_events_max() == 0
                                ? kUnackedEventsDefault
                                : std::min(request.unacked_events_max(), kUnackedEventsMax);
  const int64_t seconds = request.ack_timeout().seconds();
  const int64_t nanos = request.ack_timeout().nanos();
  if (seconds < 0 || nanos < 0) {
    return Refusal{Reason::kAckInvalid, "ack_timeout is negative"};
  }
  // The nanoseconds of a Duration that is not well-formed may be seconds of their own.
  feed.ack_timeout_millis =
      std::min(std::min(seconds, kAckTimeoutMillisMax / 1'000) * 1'000 + nanos / 1'000'000,
               kAckTimeoutMillisMax);
  if (seconds == 0 && nanos == 0) feed.ack_timeout_millis = kAckTimeoutMillisDefault;
  feed.ack_timeout_millis = std::max<int64_t>(feed.ack_timeout_millis, 1);
  return std::nullopt;
}

std::optional<Refusal> PlanAfter(const v1::Cursor& cursor, const EventLog& log,
                                 EventStreamPlan& plan) {
  if (cursor.log_id().empty()) {
    return Refusal{Reason::kBadCursor, "a cursor needs the log_id that came with it"};
  }
  plan.is_after_restart = cursor.log_id() != log.log_id();
  if (!plan.is_after_restart && cursor.sequence() > log.head()) {
    Refusal refusal{Reason::kCursorBeyondHead,
                    fmt::format("the cursor's sequence {} lies beyond the log's head {}",
                                cursor.sequence(), log.head())};
    // A group that has its own place does not need this one.
    if (plan.group.empty()) return refusal;
    plan.group_start.refusal = std::move(refusal);
  }
  plan.has_snapshot = plan.is_after_restart && plan.group.empty();
  plan.next = plan.is_after_restart ? log.stats().first_retained : cursor.sequence() + 1;
  return std::nullopt;
}

std::optional<Refusal> PlanStart(const v1::SubscribeEventsRequest& request, const EventLog& log,
                                 EventStreamPlan& plan) {
  if (request.has_after()) return PlanAfter(request.after(), log, plan);
  switch (request.start_at()) {
    case v1::START_AT_UNSPECIFIED:
    case v1::START_AT_LATEST:
      plan.next = log.head() + 1;
      return std::nullopt;
    case v1::START_AT_EARLIEST:
      plan.next = log.stats().first_retained;
      return std::nullopt;
    case v1::START_AT_SNAPSHOT:
      if (!plan.group.empty()) {
        return Refusal{Reason::kStartInvalid,
                       "a consumer group has no snapshot: each member would see a part of it"};
      }
      plan.has_snapshot = true;
      return std::nullopt;
    default:
      return Refusal{Reason::kStartInvalid, fmt::format("{} is no place to start at",
                                                        static_cast<int>(request.start_at()))};
  }
}

}  // namespace

std::variant<EventStreamPlan, Refusal> PlanEventStream(const v1::SubscribeEventsRequest& request,
                                                       const EventLog& log, uint32_t partitions) {
  EventStreamPlan plan{.group = request.consumer_group()};
  if (!plan.group.empty()) {
    if (!IsValidName(plan.group)) {
      return Refusal{Reason::kBadGroupName,
                     fmt::format("a consumer group's name has {}, this one has {} bytes", kNameRule,
                                 plan.group.size())};
    }
    plan.feed.partitions = partitions;
  }
  if (auto refusal = PlanFilter(request, plan.feed.filter)) return *std::move(refusal);
  if (auto refusal = PlanAcks(request, plan.feed)) return *std::move(refusal);
  if (auto refusal = PlanStart(request, log, plan)) return *std::move(refusal);
  plan.group_start.after = plan.next - 1;
  plan.group_start.is_after_restart = plan.is_after_restart;
  return plan;
}

}  // namespace longwire
