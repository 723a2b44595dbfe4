#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>

#include "longwire/v1/gateway.grpc.pb.h"
#include "server/api/caller_tokens.h"
#include "server/api/courier.h"
#include "server/api/event_stream.h"
#include "server/api/route_job.h"
#include "server/api/session_call.h"
#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/base/metrics.h"
#include "server/base/slots.h"
#include "server/events/consumer_groups.h"
#include "server/hub/hub.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

// longwire.v1.Gateway. Any of gRPC's threads calls it; it only checks and posts, to the loops and
// to the courier. With `tokens` (null = whoever reaches the port) each call asks them first.
class GatewayService final
    : public v1::Gateway::WithRawCallbackMethod_SubscribeEvents<v1::Gateway::CallbackService> {
 public:
  GatewayService(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits,
                 const CallerTokens* tokens, ConsumerGroups& groups, Courier& courier,
                 Metrics& metrics, const Clock& clock);

  grpc::ServerUnaryReactor* Route(grpc::CallbackServerContext* context,
                                  const v1::RouteRequest* request,
                                  v1::RouteResponse* response) override;
  grpc::ServerBidiReactor<v1::RouteStreamRequest, v1::RouteStreamResponse>* RouteStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Kick(grpc::CallbackServerContext* context,
                                 const v1::KickRequest* request,
                                 v1::KickResponse* response) override;
  grpc::ServerUnaryReactor* Broadcast(grpc::CallbackServerContext* context,
                                      const v1::BroadcastRequest* request,
                                      v1::BroadcastResponse* response) override;
  grpc::ServerUnaryReactor* GetSession(grpc::CallbackServerContext* context,
                                       const v1::GetSessionRequest* request,
                                       v1::Session* response) override;
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context,
                                         const v1::ListSessionsRequest* request,
                                         v1::ListSessionsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateTopics(grpc::CallbackServerContext* context,
                                         const v1::UpdateTopicsRequest* request,
                                         v1::UpdateTopicsResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeEvents(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;

  grpc::ServerUnaryReactor* AckEvents(grpc::CallbackServerContext* context,
                                      const v1::AckEventsRequest* request,
                                      v1::AckEventsResponse* response) override;

  // Ends every subscription once it has been sent all that is in the log now, and refuses new ones.
  void EndSubscriptions();

 private:
  // What stands against the caller, if anything does.
  std::optional<Refusal> CheckCaller(const grpc::CallbackServerContext& context) const;
  grpc::ServerUnaryReactor* FinishRefused(const Refusal& refusal,
                                          grpc::CallbackServerContext& context);
  // What a call's job is given to end the call: on the courier, with the refusal if there is one.
  CallDone FinishOnCourier(grpc::ServerUnaryReactor* reactor, grpc::CallbackServerContext* context);

  Hub& hub_;
  const ProtocolProvider& protocol_;
  const PushLimits limits_;
  const CallerTokens* const tokens_;
  Courier& courier_;
  Metrics& metrics_;
  Subscriptions open_subscriptions_;  // Only on the courier's thread.
  const EventStreamContext stream_context_;
  Slots subscriptions_{kSubscriptionsMax};
  Slots route_streams_{kRouteStreamsMax};
  Slots snapshots_{kSnapshotsMax};
  Slots broadcasts_{kBroadcastsMax};
  Slots listings_{kListingsMax};
  std::atomic<bool> has_ended_subscriptions_{false};
};

}  // namespace longwire
