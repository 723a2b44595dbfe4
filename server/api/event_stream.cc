#include "server/api/event_stream.h"

#include <fmt/format.h>

#include <utility>

#include "server/api/status.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

// What a response has beside its events: two IDs, the gap and three numbers.
constexpr size_t kHeaderBytesMax = 256;

// The string's bytes without a copy: it lives as long as the slice.
grpc::Slice ToSlice(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
}

grpc::ByteBuffer Join(const v1::SubscribeEventsResponse& header, std::string events) {
  const grpc::Slice slices[] = {grpc::Slice(header.SerializeAsString()),
                                ToSlice(std::move(events))};
  return grpc::ByteBuffer(slices, std::size(slices));
}

std::variant<EventFilter, Refusal> FilterOf(const v1::SubscribeEventsRequest& request) {
  EventFilter filter{.types = EventFilter::kAllTypes, .include_silent = request.include_silent()};
  if (request.types().empty()) return filter;
  filter.types = 0;
  for (const int type : request.types()) {
    if (type < v1::EVENT_TYPE_ENTER || type > v1::EVENT_TYPE_LEAVE) {
      return Refusal{Reason::kBadEventType, fmt::format("{} is no type of event", type)};
    }
    filter.types |= static_cast<uint8_t>(1 << type);
  }
  return filter;
}

}  // namespace

std::variant<EventStreamPlan, Refusal> PlanEventStream(const v1::SubscribeEventsRequest& request,
                                                       const EventLog& log) {
  if (!request.consumer_group().empty() || request.manual_ack()) {
    return Refusal{Reason::kNotSupported,
                   "this version has no consumer groups: leave consumer_group "
                   "and manual_ack unset, and every event comes"};
  }
  auto filter = FilterOf(request);
  if (auto* refusal = std::get_if<Refusal>(&filter)) return std::move(*refusal);
  EventStreamPlan plan{.filter = std::get<EventFilter>(filter)};
  if (request.has_after()) {
    const v1::Cursor& cursor = request.after();
    if (cursor.log_id().empty()) {
      return Refusal{Reason::kBadCursor, "a cursor needs the log_id that came with it"};
    }
    plan.has_snapshot = plan.is_after_restart = cursor.log_id() != log.log_id();
    if (!plan.is_after_restart && cursor.sequence() > log.head()) {
      return Refusal{Reason::kCursorBeyondHead,
                     fmt::format("the cursor's sequence {} lies beyond the log's head {}",
                                 cursor.sequence(), log.head())};
    }
    plan.next = cursor.sequence() + 1;
    return plan;
  }
  switch (request.start_at()) {
    case v1::START_AT_UNSPECIFIED:
    case v1::START_AT_LATEST:
      plan.next = log.head() + 1;
      return plan;
    case v1::START_AT_EARLIEST:
      plan.next = log.stats().first_retained;
      return plan;
    case v1::START_AT_SNAPSHOT:
      plan.has_snapshot = true;
      return plan;
    default:
      return Refusal{Reason::kStartInvalid, fmt::format("{} is no place to start at",
                                                        static_cast<int>(request.start_at()))};
  }
}

Refusal DrainingRefusal() {
  return {Reason::kGatewayDraining,
          "this gateway is shutting down: subscribe again, with the cursor"};
}

EventStream::EventStream(Hub& hub, Courier& courier, Metrics& metrics, const Clock& clock,
                         grpc::CallbackServerContext& context, const EventStreamPlan& plan,
                         EventStreamSlots slots)
    : hub_(hub),
      courier_(courier),
      metrics_(metrics),
      clock_(clock),
      context_(context),
      subscription_id_(hub.ids().Next(0)),
      is_after_restart_(plan.is_after_restart),
      wants_enter_((plan.filter.types >> v1::EVENT_TYPE_ENTER & 1) != 0),
      subscription_slot_(std::move(slots.subscription)),
      reader_(hub.log(), plan.filter, plan.next),
      snapshot_slot_(std::move(slots.snapshot)),
      has_snapshot_(plan.has_snapshot) {
  metrics_.subscribers.fetch_add(1);
}

EventStream::~EventStream() {
  metrics_.subscribers.fetch_sub(1);
}

EventStream* EventStream::Start(Hub& hub, Courier& courier, Metrics& metrics, const Clock& clock,
                                grpc::CallbackServerContext& context, const EventStreamPlan& plan,
                                EventStreamSlots slots) {
  std::shared_ptr<EventStream> stream(
      new EventStream(hub, courier, metrics, clock, context, plan, std::move(slots)));
  stream->self_ = stream;
  // Added here, so that OnDone, however soon it comes, finds it to remove.
  courier.Add(stream);
  courier.Post([stream] { stream->Pump(); });
  return stream.get();
}

void EventStream::Pump() {
  bool is_finishing = false;
  bool is_broken = false;
  {
    absl::MutexLock lock(&mutex_);
    if (is_writing_ || is_finished_) return;
    if (is_broken_) {
      is_finished_ = true;
      is_finishing = is_broken = true;
    } else if (NextResponse(writing_)) {
      is_writing_ = true;
      is_heartbeat_due_ = false;
    } else if (end_at_ && phase_ == Phase::kLog && reader_.next() > *end_at_) {
      is_finished_ = true;
      is_finishing = true;
    } else {
      return;
    }
  }
  if (!is_finishing) {
    StartWrite(&writing_);
    return;
  }
  Finish(is_broken ? grpc::Status::CANCELLED : EndWith(DrainingRefusal(), context_));
}

bool EventStream::NextResponse(grpc::ByteBuffer& response) {
  v1::SubscribeEventsResponse header;
  std::string events;
  const Phase phase = phase_;
  switch (phase) {
    case Phase::kFirst:
      phase_ = has_snapshot_ ? Phase::kAwaitingSnapshot : Phase::kLog;
      header.set_covered(has_snapshot_ ? 0 : reader_.next() - 1);
      if (is_after_restart_) {
        header.mutable_gap()->set_reason(v1::GAP_REASON_RESTART);
        metrics_.gaps_restart.Add();
      }
      if (has_snapshot_) {
        TakeSnapshot(hub_, [self = shared_from_this()](Snapshot snapshot) {
          self->courier_.Post([self, snapshot = std::move(snapshot)]() mutable {
            self->OnSnapshot(std::move(snapshot));
          });
        });
      }
      break;
    case Phase::kAwaitingSnapshot:
      if (!is_heartbeat_due_) return false;
      break;
    case Phase::kSnapshot:
      if (!NextOfSnapshot(header, events)) return false;
      break;
    case Phase::kLog:
      if (!NextOfLog(header, events)) return false;
      break;
  }
  header.set_subscription_id(subscription_id_);
  header.set_log_id(hub_.log().log_id());
  if (header.head() == 0) header.set_head(hub_.log().head());
  last_write_millis_ = clock_.SteadyMillis();
  response = Join(header, std::move(events));
  return true;
}

bool EventStream::NextOfSnapshot(v1::SubscribeEventsResponse& header, std::string& events) {
  if (wants_enter_ && snapshot_pieces_sent_ < snapshot_->framed_pieces.size()) {
    events = std::move(snapshot_->framed_pieces[snapshot_pieces_sent_++]);
    return true;
  }
  snapshot_.reset();
  snapshot_slot_.GiveBack();
  phase_ = Phase::kLog;
  header.set_snapshot_done(true);
  header.set_covered(reader_.next() - 1);
  return true;
}

bool EventStream::NextOfLog(v1::SubscribeEventsResponse& header, std::string& events) {
  const bool has_read = reader_.Read(kResponseBytesMax - kHeaderBytesMax, chunk_);
  if (!has_read && !is_heartbeat_due_) return false;
  // Progress over events that this subscriber does not want can wait for the heartbeat.
  const bool has_content = chunk_.gap || !chunk_.framed_events.empty();
  if (!has_content && !is_heartbeat_due_ && chunk_.covered == chunk_.head) return false;
  if (chunk_.gap) {
    header.mutable_gap()->set_reason(v1::GAP_REASON_RETENTION);
    header.mutable_gap()->set_first_missing(chunk_.gap->first_missing);
    header.mutable_gap()->set_next_available(chunk_.gap->next_available);
    metrics_.gaps_retention.Add();
  }
  header.set_covered(chunk_.covered);
  header.set_head(chunk_.head);
  events.swap(chunk_.framed_events);
  return true;
}

void EventStream::OnSnapshot(Snapshot snapshot) {
  {
    absl::MutexLock lock(&mutex_);
    reader_.JumpTo(snapshot.next());
    reader_.SkipUpTo(snapshot.positions);
    snapshot_ = std::move(snapshot);
    phase_ = Phase::kSnapshot;
  }
  Pump();
}

void EventStream::Tick() {
  absl::MutexLock lock(&mutex_);
  if (clock_.SteadyMillis() - last_write_millis_ >= kStreamHeartbeatMillis)
    is_heartbeat_due_ = true;
}

void EventStream::EndWhenDelivered() {
  {
    absl::MutexLock lock(&mutex_);
    end_at_ = hub_.log().head();
  }
  Pump();
}

void EventStream::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    is_writing_ = false;
    if (!ok) is_broken_ = true;
  }
  Pump();
}

void EventStream::OnCancel() {
  {
    absl::MutexLock lock(&mutex_);
    is_broken_ = true;
  }
  Pump();
}

void EventStream::OnDone() {
  courier_.Remove(self_);
  self_.reset();
}

}  // namespace longwire
