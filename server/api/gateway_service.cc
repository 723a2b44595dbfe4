#include "server/api/gateway_service.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "server/api/broadcast_job.h"
#include "server/api/event_stream_plan.h"
#include "server/api/kick_job.h"
#include "server/api/listing_job.h"
#include "server/api/route_stream.h"
#include "server/api/status.h"

namespace longwire {
namespace {

// Ends a stream before it begins.
class RefusedSubscription final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit RefusedSubscription(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

class RefusedRouteStream final
    : public grpc::ServerBidiReactor<v1::RouteStreamRequest, v1::RouteStreamResponse> {
 public:
  explicit RefusedRouteStream(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

GatewayService::GatewayService(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
                               const CallerTokens* tokens, ConsumerGroups& groups, Courier& courier,
                               Metrics& metrics, const Clock& clock)
    : hub_(hub),
      protocol_(protocol),
      limits_(limits),
      tokens_(tokens),
      courier_(courier),
      metrics_(metrics),
      stream_context_{.hub = hub,
                      .groups = groups,
                      .subscriptions = open_subscriptions_,
                      .courier = courier,
                      .metrics = metrics,
                      .clock = clock} {}

std::optional<Refusal> GatewayService::CheckCaller(
    const grpc::CallbackServerContext& context) const {
  return tokens_ == nullptr ? std::nullopt : tokens_->Check(context);
}

grpc::ServerUnaryReactor* GatewayService::FinishRefused(const Refusal& refusal,
                                                        grpc::CallbackServerContext& context) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(Refuse(refusal, context, metrics_));
  return reactor;
}

CallDone GatewayService::FinishOnCourier(grpc::ServerUnaryReactor* reactor,
                                         grpc::CallbackServerContext* context) {
  return [this, reactor, context](std::optional<Refusal> refusal) {
    courier_.Post([this, reactor, context, refusal = std::move(refusal)] {
      reactor->Finish(refusal ? Refuse(*refusal, *context, metrics_) : grpc::Status::OK);
    });
  };
}

grpc::ServerUnaryReactor* GatewayService::Route(grpc::CallbackServerContext* context,
                                                const v1::RouteRequest* request,
                                                v1::RouteResponse* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto job = std::make_shared<RouteJob>(hub_, protocol_, limits_);
  job->Add(*request);
  RouteJob::Run(job, [this, job, reactor, context, response] {
    courier_.Post([this, job, reactor, context, response] {
      if (const std::optional<Refusal> refusal = job->RefusalOf(0)) {
        reactor->Finish(Refuse(*refusal, *context, metrics_));
        return;
      }
      response->set_session_count(job->session_count(0));
      response->set_failed_count(job->failed_count(0));
      reactor->Finish(grpc::Status::OK);
    });
  });
  return reactor;
}

grpc::ServerBidiReactor<v1::RouteStreamRequest, v1::RouteStreamResponse>*
GatewayService::RouteStream(grpc::CallbackServerContext* context) {
  if (const auto refusal = CheckCaller(*context)) {
    return new RefusedRouteStream(Refuse(*refusal, *context, metrics_));
  }
  Slots::Slot slot = route_streams_.Take();
  if (!slot) {
    return new RefusedRouteStream(
        Refuse({Reason::kGatewayBusy, fmt::format("{} RouteStreams are open", kRouteStreamsMax)},
               *context, metrics_));
  }
  return longwire::RouteStream::Start(hub_, protocol_, limits_, courier_, metrics_, *context,
                                      std::move(slot));
}

grpc::ServerUnaryReactor* GatewayService::Kick(grpc::CallbackServerContext* context,
                                               const v1::KickRequest* request,
                                               v1::KickResponse* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  if (const std::optional<Refusal> refusal = CheckKick(*request)) {
    return FinishRefused(*refusal, *context);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RunKick(hub_, *request, [this, request, context, response, reactor](uint32_t kicked) {
    courier_.Post([this, request, context, response, reactor, kicked] {
      if (kicked == 0) {
        const Refusal refusal =
            request->has_uid() ? UidOffline(request->uid()) : SessionGone(request->session_id());
        reactor->Finish(Refuse(refusal, *context, metrics_));
        return;
      }
      response->set_session_count(kicked);
      reactor->Finish(grpc::Status::OK);
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* GatewayService::Broadcast(grpc::CallbackServerContext* context,
                                                    const v1::BroadcastRequest* request,
                                                    v1::BroadcastResponse* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  auto plan = PlanBroadcast(*request, hub_, protocol_, limits_);
  if (const auto* refusal = std::get_if<Refusal>(&plan)) return FinishRefused(*refusal, *context);
  Slots::Slot slot = broadcasts_.Take();
  if (!slot) {
    return FinishRefused(
        {Reason::kGatewayBusy, fmt::format("{} broadcasts are under way", kBroadcastsMax)},
        *context);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RunBroadcast(hub_, *request, std::get<SharedFrame>(std::move(plan)),
               [this, response, slot = std::move(slot),
                finish = FinishOnCourier(reactor, context)](const DeliveryCounts& counts) mutable {
                 metrics_.broadcasts.Add();
                 metrics_.broadcast_reached.Add(counts.taken);
                 metrics_.broadcast_skipped_full.Add(counts.full);
                 metrics_.broadcast_skipped_total_full.Add(counts.total_full);
                 response->set_session_count(counts.taken);
                 response->set_skipped_count(counts.full + counts.total_full);
                 slot.GiveBack();
                 finish(std::nullopt);
               });
  return reactor;
}

grpc::ServerUnaryReactor* GatewayService::GetSession(grpc::CallbackServerContext* context,
                                                     const v1::GetSessionRequest* request,
                                                     v1::Session* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  if (const auto refusal = CheckSessionId(request->session_id())) {
    return FinishRefused(*refusal, *context);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RunGetSession(hub_, request->session_id(), *response, FinishOnCourier(reactor, context));
  return reactor;
}

grpc::ServerUnaryReactor* GatewayService::ListSessions(grpc::CallbackServerContext* context,
                                                       const v1::ListSessionsRequest* request,
                                                       v1::ListSessionsResponse* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  auto plan = PlanListing(*request);
  if (const auto* refusal = std::get_if<Refusal>(&plan)) return FinishRefused(*refusal, *context);
  Slots::Slot slot = listings_.Take();
  if (!slot) {
    return FinishRefused(
        {Reason::kGatewayBusy, fmt::format("{} listings are under way", kListingsMax)}, *context);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RunListing(hub_, std::get<ListingPlan>(std::move(plan)), *response,
             [slot = std::move(slot), finish = FinishOnCourier(reactor, context)]() mutable {
               slot.GiveBack();
               finish(std::nullopt);
             });
  return reactor;
}

grpc::ServerUnaryReactor* GatewayService::UpdateTopics(grpc::CallbackServerContext* context,
                                                       const v1::UpdateTopicsRequest* request,
                                                       v1::UpdateTopicsResponse* response) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  auto plan = PlanTopicChange(*request);
  if (const auto* refusal = std::get_if<Refusal>(&plan)) return FinishRefused(*refusal, *context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RunUpdateTopics(hub_, std::get<TopicChange>(std::move(plan)), *response,
                  FinishOnCourier(reactor, context));
  return reactor;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* GatewayService::SubscribeEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  if (const auto refusal = CheckCaller(*context)) {
    return new RefusedSubscription(Refuse(*refusal, *context, metrics_));
  }
  if (has_ended_subscriptions_.load()) {
    return new RefusedSubscription(Refuse(DrainingRefusal(), *context, metrics_));
  }
  // The traits want a buffer to consume; the bytes themselves are shared, not copied.
  grpc::ByteBuffer bytes = *request;
  v1::SubscribeEventsRequest parsed;
  const grpc::Status status =
      grpc::SerializationTraits<v1::SubscribeEventsRequest>::Deserialize(&bytes, &parsed);
  if (!status.ok()) return new RefusedSubscription(status);
  auto plan = PlanEventStream(parsed, hub_.log(), hub_.partitions());
  if (const auto* refusal = std::get_if<Refusal>(&plan)) {
    return new RefusedSubscription(Refuse(*refusal, *context, metrics_));
  }
  auto& checked = std::get<EventStreamPlan>(plan);
  EventStreamSlots slots{.subscription = subscriptions_.Take()};
  if (!slots.subscription) {
    return new RefusedSubscription(
        Refuse({Reason::kGatewayBusy, fmt::format("{} subscriptions are open", kSubscriptionsMax)},
               *context, metrics_));
  }
  if (checked.has_snapshot && !(slots.snapshot = snapshots_.Take())) {
    return new RefusedSubscription(
        Refuse({Reason::kGatewayBusy, fmt::format("{} snapshots are being sent", kSnapshotsMax)},
               *context, metrics_));
  }
  EventStream* stream =
      EventStream::Start(stream_context_, *context, std::move(checked), std::move(slots));
  // A drain that began since the look above has not seen this stream, or else ends it twice.
  if (has_ended_subscriptions_.load()) {
    courier_.Post([this] { EndSubscriptions(); });
  }
  return stream;
}

grpc::ServerUnaryReactor* GatewayService::AckEvents(grpc::CallbackServerContext* context,
                                                    const v1::AckEventsRequest* request,
                                                    v1::AckEventsResponse*) {
  if (const auto refusal = CheckCaller(*context)) return FinishRefused(*refusal, *context);
  if (request->sequences().empty() && request->up_to() == 0) {
    return FinishRefused({Reason::kAckInvalid, "neither sequences nor up_to is set"}, *context);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  courier_.Post([this, request, context, reactor] {
    const auto found = open_subscriptions_.find(request->subscription_id());
    std::optional<Refusal> refusal;
    if (found == open_subscriptions_.end()) {
      refusal = {Reason::kSubscriptionGone,
                 fmt::format("subscription {} has ended", request->subscription_id())};
    } else {
      refusal = found->second->Acknowledge(*request);
    }
    reactor->Finish(refusal ? Refuse(*refusal, *context, metrics_) : grpc::Status::OK);
  });
  return reactor;
}

void GatewayService::EndSubscriptions() {
  has_ended_subscriptions_.store(true);
  for (const auto& stream : courier_.streams()) {
    static_cast<EventStream&>(*stream).EndWhenDelivered();
  }
}

}  // namespace longwire
