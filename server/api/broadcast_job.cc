#include "server/api/broadcast_job.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "server/api/route_job.h"
#include "server/base/limits.h"
#include "server/core/name.h"

namespace longwire {
namespace {

using Audience = v1::BroadcastRequest::AudienceCase;

struct BroadcastJob {
  const v1::BroadcastRequest& request;
  SharedFrame frame;
  absl::flat_hash_set<SessionId> except;
  // By shard; only its loop touches them once it runs.
  std::vector<std::vector<SessionId>> sessions_of_uids;
  std::vector<DeliveryCounts> counts;
  std::atomic<size_t> waiting_for;
  absl::AnyInvocable<void(const DeliveryCounts&)> done;

  void OneIsThrough() {
    if (waiting_for.fetch_sub(1) != 1) return;
    DeliveryCounts sum;
    for (const DeliveryCounts& part : counts) sum.Add(part);
    // What no outbox has taken is given back before the caller knows.
    frame = {};
    done(sum);
  }
};

class Part final : public BroadcastPart {
 public:
  Part(std::shared_ptr<BroadcastJob> job, Shard& shard)
      : job_(std::move(job)), shard_(shard), counts_(job_->counts[shard.index()]) {}

  std::vector<SessionId> Collect() override {
    const v1::BroadcastRequest& request = job_->request;
    std::vector<SessionId> targets = std::move(job_->sessions_of_uids[shard_.index()]);
    const auto add = [&](const HubSession& session) { targets.push_back(session.id()); };
    if (request.has_everyone()) {
      targets.reserve(shard_.size());
      shard_.ForEach(add);
    } else if (request.has_topic()) {
      targets.reserve(shard_.topics().SizeOf(request.topic()));
      shard_.topics().ForEach(request.topic(), add);
    }
    return targets;
  }

  size_t frame_bytes() const override { return job_->frame.size(); }

  void DeliverTo(SessionId id) override {
    if (job_->except.contains(id)) return;
    HubSession* session = shard_.Find(id);
    if (session != nullptr) counts_.Add(session->Deliver(job_->frame));
  }

  void Finish() override { job_->OneIsThrough(); }

 private:
  const std::shared_ptr<BroadcastJob> job_;
  Shard& shard_;
  DeliveryCounts& counts_;
};

std::optional<Refusal> CheckAudience(const v1::BroadcastRequest& request) {
  switch (request.audience_case()) {
    case Audience::kTopic:
      return CheckTopicName(request.topic());
    case Audience::kEveryone:
      if (request.everyone()) return std::nullopt;
      return Refusal{Reason::kAudienceMissing, "everyone is false"};
    case Audience::kUids:
      if (request.uids().uids().empty()) return Refusal{Reason::kAudienceMissing, "uids is empty"};
      for (const std::string& uid : request.uids().uids()) {
        if (auto refusal = CheckTarget(&uid, false)) return refusal;
      }
      return std::nullopt;
    case Audience::AUDIENCE_NOT_SET:
      break;
  }
  return Refusal{Reason::kAudienceMissing, "neither topic, everyone nor uids is set"};
}

// The sessions of the uids, each once.
void ResolveUids(Hub& hub, const v1::Uids& uids, std::vector<std::vector<SessionId>>& by_shard) {
  absl::flat_hash_set<std::string_view> seen;
  for (const std::string& uid : uids.uids()) {
    if (!seen.insert(uid).second) continue;
    for (const SessionId id : hub.uids().Find(uid)) {
      by_shard[hub.ShardFor(id)->index()].push_back(id);
    }
  }
}

}  // namespace

std::variant<SharedFrame, Refusal> PlanBroadcast(const v1::BroadcastRequest& request, Hub& hub,
                                                 const ProtocolProvider& protocol,
                                                 const PushLimits& limits) {
  if (auto refusal = CheckAudience(request)) return *std::move(refusal);
  std::string scratch;
  MessageView encoded;
  if (auto refusal = EncodePush(request.message(), protocol, limits, scratch, encoded)) {
    return *std::move(refusal);
  }
  SharedFrame frame = SharedFrame::Make(encoded, hub.outbox_budget());
  if (frame) return frame;
  return AllOutboxesFull();
}

void RunBroadcast(Hub& hub, const v1::BroadcastRequest& request, SharedFrame frame,
                  absl::AnyInvocable<void(const DeliveryCounts&)> done) {
  // Bounded by how many run at once, not by the inboxes: it reaches all loops or none.
  const size_t shards = hub.shards().size();
  const auto& except = request.except_session_ids();
  const std::shared_ptr<BroadcastJob> job(
      new BroadcastJob{.request = request,
                       .frame = std::move(frame),
                       .except = absl::flat_hash_set<SessionId>(except.begin(), except.end()),
                       .sessions_of_uids = std::vector<std::vector<SessionId>>(shards),
                       .counts = std::vector<DeliveryCounts>(shards),
                       .waiting_for = {shards},
                       .done = std::move(done)});
  if (request.has_uids()) ResolveUids(hub, request.uids(), job->sessions_of_uids);
  for (const auto& shard : hub.shards()) {
    shard->loop().Post(
        [&shard = *shard, job] { shard.broadcasts().Add(std::make_unique<Part>(job, shard)); });
  }
}

}  // namespace longwire
