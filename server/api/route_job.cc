#include "server/api/route_job.h"

#include <fmt/format.h>

#include <utility>

#include "server/base/limits.h"
#include "server/core/name.h"

namespace longwire {

std::optional<Refusal> CheckTarget(const std::string* uid, bool has_session_id) {
  if (uid == nullptr) {
    if (has_session_id) return std::nullopt;
    return Refusal{Reason::kTargetMissing, "neither session_id nor uid is set"};
  }
  if (uid->empty())
    return Refusal{Reason::kUidEmpty, "an anonymous session has no uid to be named by"};
  if (uid->size() > kUidBytesMax) {
    return Refusal{Reason::kUidInvalid, fmt::format("a uid has at most {} bytes, this one has {}",
                                                    kUidBytesMax, uid->size())};
  }
  return std::nullopt;
}

std::optional<Refusal> CheckTopicName(const std::string& name) {
  if (IsValidName(name)) return std::nullopt;
  return Refusal{Reason::kBadTopicName,
                 fmt::format("a topic has {}, this one has {} bytes", kNameRule, name.size())};
}

Refusal SessionGone(SessionId id) {
  return {Reason::kSessionGone, fmt::format("session {} is not on any node", id)};
}

Refusal UidOffline(const std::string& uid) {
  return {Reason::kUidOffline, fmt::format("uid \"{}\" has no session on any node", uid)};
}

Refusal LoopBusy(const std::string& target) {
  return {Reason::kGatewayBusy, fmt::format("too much is waiting for the loop of {}", target)};
}

Refusal AllOutboxesFull() {
  return {Reason::kGatewayBusy, "all outboxes together are at --outbox-total-bytes-max"};
}

RouteJob::RouteJob(Hub& hub, const ProtocolProvider& protocol, const PushLimits& limits)
    : hub_(hub),
      protocol_(protocol),
      limits_(limits),
      batch_(std::make_shared<DeliveryBatch>(hub)) {}

void RouteJob::Add(const v1::RouteRequest& request) {
  const auto index = static_cast<uint32_t>(routes_.size());
  routes_.push_back({.request = &request});
  routes_.back().refusal = Resolve(request, index);
}

std::optional<Refusal> RouteJob::Resolve(const v1::RouteRequest& request, uint32_t index) {
  const std::string* uid = request.has_uid() ? &request.uid() : nullptr;
  if (auto refusal = CheckTarget(uid, request.has_session_id())) return refusal;
  if (scratch_.empty() || !scratch_.front().empty()) scratch_.emplace_front();
  MessageView encoded;
  if (auto refusal = EncodePush(request.message(), protocol_, limits_, scratch_.front(), encoded)) {
    return refusal;
  }
  if (uid == nullptr) {
    batch_->Add(request.session_id(), index, encoded);
    return std::nullopt;
  }
  const SessionIds sessions = hub_.uids().Find(*uid);
  if (sessions.empty()) return UidOffline(*uid);
  for (const SessionId id : sessions) batch_->Add(id, index, encoded);
  return std::nullopt;
}

void RouteJob::Run(std::shared_ptr<RouteJob> job, absl::AnyInvocable<void()> done) {
  std::shared_ptr<DeliveryBatch> batch = job->batch_;
  DeliveryBatch::Send(std::move(batch),
                      [job, done = std::move(done)](DeliveryBatch& through) mutable {
                        through.ForEach([&](const DeliveryBatch::Item& item) { job->Count(item); });
                        done();
                      });
}

void RouteJob::Count(const DeliveryBatch::Item& item) {
  Route& route = routes_[item.tag];
  if (item.was_refused_by_inbox) {
    ++route.busy;
  } else {
    route.sessions.Add(item.result);
  }
}

std::optional<Refusal> RouteJob::RefusalOf(size_t index) const {
  const Route& route = routes_[index];
  if (route.refusal) return route.refusal;
  if (route.sessions.taken > 0) return std::nullopt;
  const v1::RouteRequest& request = *route.request;
  const std::string target = request.has_uid() ? fmt::format("uid \"{}\"", request.uid())
                                               : fmt::format("session {}", request.session_id());
  if (route.sessions.full > 0) {
    return Refusal{Reason::kOutboxFull,
                   fmt::format("the outbox of {} is full: its client reads too slowly", target)};
  }
  if (route.sessions.total_full > 0) return AllOutboxesFull();
  if (route.busy > 0) return LoopBusy(target);
  return request.has_uid() ? UidOffline(request.uid()) : SessionGone(request.session_id());
}

}  // namespace longwire
