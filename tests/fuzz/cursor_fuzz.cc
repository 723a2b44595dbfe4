// Fuzzes what backends send to say where a stream or a listing goes on: SubscribeEventsRequest and
// page tokens. An input is a SubscribeEventsRequest in protobuf's format.
#include <google/protobuf/stubs/logging.h>

#include <string>
#include <string_view>
#include <variant>

#include "longwire/v1/gateway.pb.h"
#include "server/api/event_stream_plan.h"
#include "server/api/page_token.h"
#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/core/name.h"
#include "server/engine/local_event_log.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::EventBatch;
using longwire::EventStreamPlan;
using longwire::LocalEventLog;
using longwire::ManualClock;
using longwire::Refusal;
using longwire::Require;
namespace v1 = longwire::v1;

constexpr uint32_t kPartitions = 16;

void RequireAllowed(const EventStreamPlan& plan, const v1::SubscribeEventsRequest& request,
                    const LocalEventLog& log) {
  const uint64_t behind_head = log.head() + 1;
  const bool is_group = !request.consumer_group().empty();
  Require(plan.group == request.consumer_group(), "the group is the one that was asked for");
  Require(!is_group || longwire::IsValidName(plan.group), "a group has a valid name");
  Require(plan.feed.partitions == (is_group ? kPartitions : 0), "a member has partitions");
  Require(!plan.has_snapshot || !is_group, "a group has no snapshot");
  const bool is_in_log = plan.next >= log.stats().first_retained && plan.next <= behind_head;
  Require(is_in_log || plan.has_snapshot || plan.group_start.refusal ||
              (request.has_after() && plan.next == request.after().sequence() + 1),
          "a stream begins in the log, or behind its cursor");
  if (request.has_after()) {
    Require(plan.is_after_restart == (request.after().log_id() != log.log_id()),
            "a cursor of another log tells of the restart");
    Require(plan.is_after_restart || plan.group_start.refusal || plan.next <= behind_head,
            "a cursor is not beyond the head");
  }
  Require(plan.feed.unacked_events_max >= 1 &&
              plan.feed.unacked_events_max <= longwire::kUnackedEventsMax,
          "what is unacknowledged is bounded");
  Require(plan.feed.ack_timeout_millis >= 1 &&
              plan.feed.ack_timeout_millis <= longwire::kAckTimeoutMillisMax,
          "the time to acknowledge is bounded");
  Require(plan.feed.filter.types != 0, "some type of event is sent");
}

void RequireTokensAreBound(std::string_view token, std::string_view filter, int64_t id) {
  if (const auto last = longwire::ParsePageToken(token, filter)) {
    Require(longwire::FormatPageToken(*last, filter) == token, "a token has one spelling");
  }
  if (id <= 0) return;
  std::string made = longwire::FormatPageToken(id, filter);
  Require(longwire::ParsePageToken(made, filter) == id, "a token is read as it was made");
  Require(!longwire::ParsePageToken(made, std::string(filter) + "x"), "a token has its filter");
  made[static_cast<size_t>(id) % made.size()] ^= 1;
  Require(!longwire::ParsePageToken(made, filter), "a changed token is none");
}

}  // namespace

// protobuf's complaints about strings that are not UTF-8 would fill the log.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ManualClock clock;
  static LocalEventLog* const log = [] {
    auto* made = new LocalEventLog("log", 1024 * 1024, 3'600'000, clock);
    for (int i = 0; i < 5; ++i) {
      EventBatch batch;
      batch.bytes() += "x";
      batch.Add({.type = v1::EVENT_TYPE_ROUTE});
      made->Append(batch);
    }
    return made;
  }();
  v1::SubscribeEventsRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto planned = longwire::PlanEventStream(request, *log, kPartitions);
  if (const auto* refusal = std::get_if<Refusal>(&planned)) {
    Require(!refusal->text.empty() && refusal->text.size() < 300, "a refusal says why, in short");
  } else {
    RequireAllowed(std::get<EventStreamPlan>(planned), request, *log);
  }
  RequireTokensAreBound(request.after().log_id(), request.consumer_group(),
                        static_cast<int64_t>(request.after().sequence()));
  return 0;
}
