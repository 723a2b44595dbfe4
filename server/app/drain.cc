#include "server/app/drain.h"

#include <algorithm>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

constexpr int64_t kStepMillis = 20;

// Runs `work(Shard&)` on every loop and waits for all.
template <typename Work>
void OnEachShard(Hub& hub, Work work) {
  absl::BlockingCounter waiting(static_cast<int>(hub.shards().size()));
  for (const auto& shard : hub.shards()) {
    shard->loop().Post([&waiting, &work, &shard = *shard] {
      work(shard);
      waiting.DecrementCount();
    });
  }
  waiting.Wait();
}

}  // namespace

size_t DrainTarget(size_t sessions, int64_t elapsed_millis, int64_t period_millis) {
  const int64_t total = static_cast<int64_t>(sessions);
  const int64_t by_rate = elapsed_millis * kDrainSessionsPerSecondMin / 1'000;
  const int64_t by_period = period_millis == 0 ? total : total * elapsed_millis / period_millis;
  return static_cast<size_t>(std::clamp<int64_t>(std::max(by_rate, by_period), 0, total));
}

std::vector<SessionId> Drainer::ListSessions() {
  absl::Mutex mutex;
  std::vector<SessionId> ids;
  OnEachShard(hub_, [&](Shard& shard) {
    absl::MutexLock lock(&mutex);
    shard.ForEach([&](const HubSession& session) { ids.push_back(session.id()); });
  });
  return ids;
}

void Drainer::Wait(int64_t millis) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&is_hurried_), absl::Milliseconds(millis));
}

void Drainer::Hurry() {
  absl::MutexLock lock(&mutex_);
  is_hurried_ = true;
}

void Drainer::CloseSome(const std::vector<SessionId>& ids, size_t begin, size_t end) {
  std::vector<std::vector<SessionId>> by_shard(hub_.shards().size());
  for (size_t i = begin; i < end; ++i) by_shard[hub_.ShardFor(ids[i])->index()].push_back(ids[i]);
  for (const auto& shard : hub_.shards()) {
    std::vector<SessionId>& closing = by_shard[shard->index()];
    if (closing.empty()) continue;
    shard->loop().Post([&shard = *shard, closing = std::move(closing)] {
      for (const SessionId id : closing) {
        if (HubSession* session = shard.Find(id)) session->Drain();
      }
    });
  }
}

void Drainer::Run() {
  Wait(delay_millis_);
  const std::vector<SessionId> ids = ListSessions();
  const absl::Time start = absl::Now();
  size_t closed = 0;
  while (closed < ids.size()) {
    Wait(kStepMillis);
    int64_t elapsed = absl::ToInt64Milliseconds(absl::Now() - start);
    {
      absl::MutexLock lock(&mutex_);
      if (is_hurried_) elapsed = std::max<int64_t>(period_millis_, 1'000'000'000);
    }
    const size_t target = DrainTarget(ids.size(), elapsed, period_millis_);
    CloseSome(ids, closed, target);
    closed = target;
  }
  OnEachShard(hub_, [](Shard& shard) { shard.EndTurn(); });
}

}  // namespace longwire
