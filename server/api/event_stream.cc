#include "server/api/event_stream.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "server/api/status.h"
#include "server/base/limits.h"
#include "server/base/log_limiter.h"

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

}  // namespace

Refusal DrainingRefusal() {
  return {Reason::kGatewayDraining,
          "this gateway is shutting down: subscribe again, with the cursor"};
}

EventStream::EventStream(const EventStreamContext& context, grpc::CallbackServerContext& call,
                         EventStreamPlan plan, EventStreamSlots slots)
    : context_(context),
      call_(call),
      plan_(std::move(plan)),
      subscription_id_(context.hub.ids().Next(0)),
      subscription_slot_(std::move(slots.subscription)),
      feed_(context.hub.log(), plan_.feed, plan_.next),
      phase_(plan_.group.empty() ? Phase::kFirst : Phase::kJoining),
      snapshot_slot_(std::move(slots.snapshot)) {
  context_.metrics.subscribers.fetch_add(1);
}

EventStream::~EventStream() {
  context_.metrics.subscribers.fetch_sub(1);
}

EventStream* EventStream::Start(const EventStreamContext& context,
                                grpc::CallbackServerContext& call, EventStreamPlan plan,
                                EventStreamSlots slots) {
  std::shared_ptr<EventStream> stream(
      new EventStream(context, call, std::move(plan), std::move(slots)));
  stream->self_ = stream;
  // Added here, so that OnDone, however soon it comes, finds it to remove.
  context.courier.Add(stream);
  context.courier.Post([stream] { stream->Open(); });
  return stream.get();
}

void EventStream::Open() {
  context_.subscriptions.emplace(subscription_id_, this);
  if (!plan_.group.empty()) {
    JoinGroup();
    return;
  }
  Pump();
}

void EventStream::JoinGroup() {
  const std::weak_ptr<EventStream> weak = weak_from_this();
  const auto call = [weak](void (EventStream::*method)()) {
    return [weak, method] {
      if (const auto self = weak.lock()) (self.get()->*method)();
    };
  };
  group_ = context_.groups.Join(plan_.group, {.subscription_id = subscription_id_,
                                              .settings = {.types = plan_.feed.filter.types,
                                                           .manual_ack = plan_.feed.manual_ack},
                                              .start = plan_.group_start,
                                              .feed = &feed_,
                                              .joined =
                                                  [weak](const std::optional<Refusal>& refusal) {
                                                    if (const auto self = weak.lock())
                                                      self->OnJoined(refusal);
                                                  },
                                              .fed = call(&EventStream::PumpSoon),
                                              .expired = call(&EventStream::OnExpired)});
}

void EventStream::OnJoined(const std::optional<Refusal>& refusal) {
  if (is_finished_) return;
  if (refusal) {
    End(Refuse(*refusal, call_, context_.metrics));
    return;
  }
  phase_ = Phase::kFirst;
  Pump();
}

void EventStream::PumpSoon() {
  // A member is given its partitions one by one, by a group that is in the middle of its work.
  if (std::exchange(is_pump_posted_, true)) return;
  context_.courier.Post([self = shared_from_this()] {
    self->is_pump_posted_ = false;
    self->Pump();
  });
}

void EventStream::Pump() {
  if (is_writing_ || is_finished_) return;
  if (is_broken_) {
    End(grpc::Status::CANCELLED);
  } else if (is_expired_) {
    End(EndWith(
        {Reason::kMemberExpired,
         fmt::format("this member of group {} kept an event for longer than its ack_timeout "
                     "of {} ms: others get what it has not dealt with; subscribe again, and "
                     "give each event less work or a longer ack_timeout",
                     plan_.group, plan_.feed.ack_timeout_millis)},
        call_));
  } else if (NextResponse(writing_)) {
    is_writing_ = true;
    is_heartbeat_due_ = false;
    StartWrite(&writing_);
  } else if (HasDeliveredAll()) {
    End(EndWith(DrainingRefusal(), call_));
  }
}

void EventStream::End(grpc::Status status) {
  is_finished_ = true;
  context_.subscriptions.erase(subscription_id_);
  if (group_ != nullptr) group_->Leave(subscription_id_);
  snapshot_.reset();
  snapshot_slot_.GiveBack();
  Finish(std::move(status));
}

bool EventStream::NextResponse(grpc::ByteBuffer& response) {
  v1::SubscribeEventsResponse header;
  std::string events;
  const Phase phase = phase_;
  switch (phase) {
    case Phase::kJoining:
      return false;
    case Phase::kFirst:
      FirstHeader(header);
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
  header.set_log_id(context_.hub.log().log_id());
  if (header.head() == 0) header.set_head(context_.hub.log().head());
  covered_told_ = header.covered();
  last_write_millis_ = context_.clock.SteadyMillis();
  response = Join(header, std::move(events));
  return true;
}

uint64_t EventStream::covered() const {
  return group_ != nullptr ? group_->covered() : feed_.next() - 1;
}

void EventStream::FirstHeader(v1::SubscribeEventsResponse& header) {
  phase_ = plan_.has_snapshot ? Phase::kAwaitingSnapshot : Phase::kLog;
  header.set_covered(plan_.has_snapshot ? 0 : covered());
  if (!plan_.has_snapshot) return;
  if (plan_.is_after_restart) {
    header.mutable_gap()->set_reason(v1::GAP_REASON_RESTART);
    context_.metrics.gaps_restart.Add();
  }
  TakeSnapshot(context_.hub, [self = shared_from_this()](Snapshot snapshot) {
    self->context_.courier.Post([self, snapshot = std::move(snapshot)]() mutable {
      self->OnSnapshot(std::move(snapshot));
    });
  });
}

bool EventStream::NextOfSnapshot(v1::SubscribeEventsResponse& header, std::string& events) {
  const bool wants_enter = plan_.feed.filter.Wants({.type = v1::EVENT_TYPE_ENTER});
  if (wants_enter && snapshot_pieces_sent_ < snapshot_->framed_pieces.size()) {
    events = std::move(snapshot_->framed_pieces[snapshot_pieces_sent_++]);
    return true;
  }
  snapshot_.reset();
  snapshot_slot_.GiveBack();
  phase_ = Phase::kLog;
  header.set_snapshot_done(true);
  header.set_covered(covered());
  return true;
}

bool EventStream::NextOfLog(v1::SubscribeEventsResponse& header, std::string& events) {
  const bool has_read =
      feed_.Read(kResponseBytesMax - kHeaderBytesMax, context_.clock.SteadyMillis(), chunk_);
  const bool has_progress =
      is_heartbeat_due_ || (group_ != nullptr && group_->covered() != covered_told_);
  if (!has_read && !has_progress) return false;
  // Progress over events that this subscriber does not want can wait for the heartbeat.
  if (!chunk_.has_content() && !has_progress && chunk_.covered == chunk_.head) return false;
  TellGap(header);
  header.set_covered(covered());
  header.set_head(chunk_.head);
  events.swap(chunk_.framed_events);
  return true;
}

void EventStream::TellGap(v1::SubscribeEventsResponse& header) {
  if (chunk_.is_restart_gap) {
    header.mutable_gap()->set_reason(v1::GAP_REASON_RESTART);
    context_.metrics.gaps_restart.Add();
  } else if (chunk_.gap) {
    header.mutable_gap()->set_reason(v1::GAP_REASON_RETENTION);
    header.mutable_gap()->set_first_missing(chunk_.gap->first_missing);
    header.mutable_gap()->set_next_available(chunk_.gap->next_available);
    context_.metrics.gaps_retention.Add();
  }
}

void EventStream::OnSnapshot(Snapshot snapshot) {
  if (is_finished_) return;
  feed_.JumpTo(snapshot.next());
  feed_.SkipUpTo(snapshot.positions);
  snapshot_ = std::move(snapshot);
  phase_ = Phase::kSnapshot;
  Pump();
}

void EventStream::NoteExpiry() {
  context_.metrics.members_expired.Add();
  static LogLimiter limiter;
  if (const auto left_out = limiter.Allow()) {
    spdlog::warn(
        "a member of group {} at {} is cut off: it {} for longer than its ack_timeout of {} ms; {} "
        "events that it had go to others ({} such lines were left out)",
        plan_.group, call_.peer(), feed_.unacked() > 0 ? "did not acknowledge" : "did not read",
        plan_.feed.ack_timeout_millis, feed_.unacked(), *left_out);
  }
}

void EventStream::OnExpired() {
  if (is_finished_) return;
  if (!is_expired_) NoteExpiry();
  // A write that is under way gets a moment more, so that the reason can be told. Who does not even
  // read is cut off when this is called again, a second later: the write fails then.
  const bool was_expired = std::exchange(is_expired_, true);
  if (is_writing_ && was_expired) call_.TryCancel();
  Pump();
}

void EventStream::Tick() {
  const int64_t since_write = context_.clock.SteadyMillis() - last_write_millis_;
  if (since_write >= kStreamHeartbeatMillis) is_heartbeat_due_ = true;
  // Also over a response that only carries news: its partitions wait for it all the same.
  if (group_ != nullptr && is_writing_ && since_write >= feed_.ack_timeout_millis()) OnExpired();
}

void EventStream::EndWhenDelivered() {
  end_at_ = context_.hub.log().head();
  Pump();
}

bool EventStream::HasDeliveredAll() const {
  return end_at_ && phase_ == Phase::kLog && feed_.IsDoneUpTo(*end_at_);
}

std::optional<Refusal> EventStream::Acknowledge(const v1::AckEventsRequest& request) {
  const size_t before = feed_.unacked();
  if (auto refusal = feed_.Acknowledge(request, context_.clock.SteadyMillis())) return refusal;
  context_.metrics.events_acked.Add(before - feed_.unacked());
  if (group_ != nullptr) group_->OnDone(subscription_id_);
  PumpSoon();
  return std::nullopt;
}

void EventStream::OnWritten(bool ok) {
  is_writing_ = false;
  feed_.Written(ok);
  if (!ok) is_broken_ = true;
  if (ok && group_ != nullptr) group_->OnDone(subscription_id_);
  Pump();
}

void EventStream::OnWriteDone(bool ok) {
  context_.courier.Post([self = self_, ok] { self->OnWritten(ok); });
}

void EventStream::OnCancel() {
  context_.courier.Post([self = self_] {
    self->is_broken_ = true;
    self->Pump();
  });
}

void EventStream::OnDone() {
  context_.courier.Remove(self_);
  self_.reset();
}

}  // namespace longwire
