#include "server/api/listing_job.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/api/page_token.h"
#include "server/api/route_job.h"
#include "server/api/session_call.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

using Filter = ListingPlan::Filter;

// What one loop has of a page; in each step only that loop touches it.
struct Part {
  uint64_t matches = 0;          // Sessions that the filter lets through.
  uint64_t behind = 0;           // Of these, those behind `after`.
  std::vector<SessionId> first;  // The smallest of these, at most a page; a heap, largest in front.
  std::vector<v1::Session> shown;
};

// First every loop finds the smallest IDs it has; then the smallest of all are chosen, and the
// loops show those.
struct ListingJob {
  Hub& hub;
  const ListingPlan plan;
  v1::ListSessionsResponse& page;
  SessionIds of_uid;        // With a uid filter.
  std::vector<Part> parts;  // By shard.
  std::atomic<size_t> waiting_for{0};
  absl::AnyInvocable<void()> done;
  bool has_more = false;
  SessionId last = 0;  // Of those chosen.
};

using JobPtr = std::shared_ptr<ListingJob>;

// Runs `step` on each loop, and then `next` on the last of them.
void OnEachLoop(const JobPtr& job, void (*step)(ListingJob&, Shard&), void (*next)(const JobPtr&)) {
  job->waiting_for = job->parts.size();
  for (const auto& shard : job->hub.shards()) {
    shard->loop().Post([job, &shard = *shard, step, next] {
      step(*job, shard);
      if (job->waiting_for.fetch_sub(1) == 1) next(job);
    });
  }
}

void Find(ListingJob& job, Shard& shard) {
  Part& part = job.parts[shard.index()];
  const auto look = [&](const HubSession& session) {
    ++part.matches;
    const SessionId id = session.id();
    if (id <= job.plan.after) return;
    ++part.behind;
    std::vector<SessionId>& first = part.first;
    if (first.size() == job.plan.page_size) {
      if (id > first.front()) return;
      std::pop_heap(first.begin(), first.end());
      first.pop_back();
    }
    first.push_back(id);
    std::push_heap(first.begin(), first.end());
  };
  switch (job.plan.filter) {
    case Filter::kNone:
      shard.ForEach(look);
      return;
    case Filter::kTopic:
      shard.topics().ForEach(job.plan.name, look);
      return;
    case Filter::kUid:
      for (const SessionId id : job.of_uid) {
        if (const HubSession* session = shard.Find(id)) look(*session);
      }
      return;
  }
}

void Show(ListingJob& job, Shard& shard) {
  Part& part = job.parts[shard.index()];
  std::sort(part.first.begin(), part.first.end());
  size_t bytes = 0;
  for (const SessionId id : part.first) {
    // What stands behind a page's worth of this loop's alone is not on the page.
    if (id > job.last || bytes > kPageBytesMax) return;
    const HubSession* session = shard.Find(id);
    if (session == nullptr) continue;
    ShowSession(*session, shard, job.hub, part.shown.emplace_back());
    bytes += part.shown.back().ByteSizeLong();
  }
}

void Finish(const JobPtr& job) {
  std::vector<v1::Session*> sessions;
  for (Part& part : job->parts) {
    for (v1::Session& session : part.shown) sessions.push_back(&session);
  }
  std::sort(sessions.begin(), sessions.end(), [](const v1::Session* a, const v1::Session* b) {
    return a->session_id() < b->session_id();
  });
  size_t bytes = 0;
  for (v1::Session* session : sessions) {
    bytes += session->ByteSizeLong();
    if (bytes > kPageBytesMax && job->page.sessions_size() > 0) {
      job->has_more = true;
      job->last = job->page.sessions().rbegin()->session_id();
      break;
    }
    *job->page.add_sessions() = std::move(*session);
  }
  if (job->has_more) {
    job->page.set_next_page_token(FormatPageToken(job->last, job->plan.FilterKey()));
  }
  job->done();
}

void Choose(const JobPtr& job) {
  std::vector<SessionId> ids;
  uint64_t matches = 0;
  uint64_t behind = 0;
  for (const Part& part : job->parts) {
    matches += part.matches;
    behind += part.behind;
    ids.insert(ids.end(), part.first.begin(), part.first.end());
  }
  std::sort(ids.begin(), ids.end());
  ids.resize(std::min(ids.size(), job->plan.page_size));
  job->page.set_total_size(matches);
  job->has_more = behind > ids.size();
  if (!ids.empty()) job->last = ids.back();
  OnEachLoop(job, Show, Finish);
}

std::optional<Refusal> CheckFilter(const v1::ListSessionsRequest& request) {
  if (request.has_uid()) return CheckTarget(&request.uid(), false);
  if (request.has_topic()) return CheckTopicName(request.topic());
  return std::nullopt;
}

}  // namespace

std::string ListingPlan::FilterKey() const {
  switch (filter) {
    case Filter::kNone:
      break;
    case Filter::kUid:
      return "uid " + name;
    case Filter::kTopic:
      return "topic " + name;
  }
  return "";
}

std::variant<ListingPlan, Refusal> PlanListing(const v1::ListSessionsRequest& request) {
  if (auto refusal = CheckFilter(request)) return *std::move(refusal);
  ListingPlan plan;
  if (request.has_uid()) {
    plan.filter = Filter::kUid;
    plan.name = request.uid();
  } else if (request.has_topic()) {
    plan.filter = Filter::kTopic;
    plan.name = request.topic();
  }
  plan.page_size = request.page_size() == 0 ? kPageSizeDefault
                                            : std::min<size_t>(request.page_size(), kPageSizeMax);
  if (request.page_token().empty()) return plan;
  const auto after = ParsePageToken(request.page_token(), plan.FilterKey());
  if (!after) {
    return Refusal{Reason::kBadPageToken,
                   "page_token is not the next_page_token of a page with this filter"};
  }
  plan.after = *after;
  return plan;
}

void RunListing(Hub& hub, ListingPlan plan, v1::ListSessionsResponse& page,
                absl::AnyInvocable<void()> done) {
  SessionIds of_uid;
  if (plan.filter == Filter::kUid) of_uid = hub.uids().Find(plan.name);
  const JobPtr job(new ListingJob{.hub = hub,
                                  .plan = std::move(plan),
                                  .page = page,
                                  .of_uid = std::move(of_uid),
                                  .parts = std::vector<Part>(hub.shards().size()),
                                  .done = std::move(done)});
  OnEachLoop(job, Find, Choose);
}

}  // namespace longwire
