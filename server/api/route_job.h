#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/gateway.pb.h"
#include "server/api/push_message.h"
#include "server/base/refusal.h"
#include "server/hub/delivery_batch.h"
#include "server/hub/hub.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

// What is wrong with a target; nothing when it can be looked up.
std::optional<Refusal> CheckTarget(const std::string* uid, bool has_session_id);
std::optional<Refusal> CheckTopicName(const std::string& name);
Refusal SessionGone(SessionId id);
Refusal UidOffline(const std::string& uid);
// The gateway is at a bound of its own: of a loop's inbox (`target` is whose), or of all outboxes.
Refusal LoopBusy(const std::string& target);
Refusal AllOutboxesFull();

// A number of RouteRequests on their way through the hub: each is checked, resolved to sessions,
// and gets its own answer. The requests are the caller's and must live until it is done.
class RouteJob {
 public:
  RouteJob(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits);

  // REQUIRES: all Adds come before Run.
  void Add(const v1::RouteRequest& request);

  // What it stands for while it waits for the loops: it grows with the sessions that are reached.
  size_t bytes() const { return batch_->bytes(); }

  // `done` is called once, on a loop or on this thread; it must be quick.
  static void Run(std::shared_ptr<RouteJob> job, absl::AnyInvocable<void()> done);

  // REQUIRES for the rest: done. `index` is the order of the Adds.
  size_t size() const { return routes_.size(); }
  // Nothing when the route was taken by at least one session.
  std::optional<Refusal> RefusalOf(size_t index) const;
  uint32_t session_count(size_t index) const { return routes_[index].sessions.taken; }
  uint32_t failed_count(size_t index) const {
    const Route& route = routes_[index];
    return route.sessions.full + route.sessions.total_full + route.sessions.gone + route.busy;
  }

 private:
  struct Route {
    const v1::RouteRequest* request;
    std::optional<Refusal> refusal;  // It never got as far as a session.
    DeliveryCounts sessions;         // What became of the message,
    uint32_t busy = 0;               // and how often it never got to its loop.
  };

  std::optional<Refusal> Resolve(const v1::RouteRequest& request, uint32_t index);
  void Count(const DeliveryBatch::Item& item);

  Hub& hub_;
  const ProtocolProvider& protocol_;
  const PushLimits& limits_;
  std::vector<Route> routes_;
  std::forward_list<std::string> scratch_;  // What the protocol has made; stays where it is.
  std::shared_ptr<DeliveryBatch> batch_;
};

}  // namespace longwire
