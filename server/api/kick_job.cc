#include "server/api/kick_job.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "server/api/route_job.h"
#include "server/base/limits.h"
#include "server/core/leave.h"

namespace longwire {
namespace {

struct KickJob {
  std::atomic<size_t> waiting_for;
  std::atomic<uint32_t> kicked{0};
  absl::AnyInvocable<void(uint32_t)> done;

  void OneIsThrough() {
    if (waiting_for.fetch_sub(1) == 1) done(kicked.load());
  }
};

}  // namespace

std::optional<Refusal> CheckKick(const v1::KickRequest& request) {
  const std::string* uid = request.has_uid() ? &request.uid() : nullptr;
  if (auto refusal = CheckTarget(uid, request.has_session_id())) return refusal;
  if (request.close_code() != 0 && !IsKickCode(request.close_code())) {
    return Refusal{Reason::kBadCloseCode,
                   fmt::format("{} is not among 1000, 1001, 1008, 1011 to 1013 and 3000 to 4999",
                               request.close_code())};
  }
  if (request.close_reason().size() > kCloseReasonBytesMax) {
    return Refusal{Reason::kBadCloseReason,
                   fmt::format("a close reason has at most {} bytes, this one has {}",
                               kCloseReasonBytesMax, request.close_reason().size())};
  }
  return std::nullopt;
}

void RunKick(Hub& hub, const v1::KickRequest& request, absl::AnyInvocable<void(uint32_t)> done) {
  const SessionIds ids =
      request.has_uid() ? hub.uids().Find(request.uid()) : SessionIds{request.session_id()};
  auto job = std::make_shared<KickJob>();
  // One more than there are posts, so that a quick shard does not end it early.
  job->waiting_for = ids.size() + 1;
  job->done = std::move(done);
  const uint16_t code = request.close_code() == 0 ? static_cast<uint16_t>(CloseCode::kNormal)
                                                  : static_cast<uint16_t>(request.close_code());
  for (const SessionId id : ids) {
    Shard* shard = hub.ShardFor(id);
    if (shard == nullptr) {
      job->OneIsThrough();
      continue;
    }
    shard->loop().Post([job, shard, id, code, &request] {
      if (HubSession* session = shard->Find(id)) {
        session->Kick(code, request.close_reason(), request.silent());
        job->kicked.fetch_add(1);
        // The caller may look for the LEAVE as soon as it has its answer.
        shard->EndTurn();
      }
      job->OneIsThrough();
    });
  }
  job->OneIsThrough();
}

}  // namespace longwire
