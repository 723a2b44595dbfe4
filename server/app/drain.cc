#include "server/app/drain.h"

#include <algorithm>
#include <chrono>

#include "absl/synchronization/blocking_counter.h"
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

bool Drainer::Wait(int64_t millis) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(millis), [this] { return is_hurried_; });
}

void Drainer::Hurry() {
  const std::lock_guard lock(mutex_);
  is_hurried_ = true;
  changed_.notify_all();
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
  const int64_t start = clock_.SteadyMillis();
  size_t closed = 0;
  while (closed < ids.size()) {
    const bool is_hurried = Wait(kStepMillis);
    const size_t target =
        is_hurried ? ids.size()
                   : DrainTarget(ids.size(), clock_.SteadyMillis() - start, period_millis_);
    CloseSome(ids, closed, target);
    closed = target;
  }
  OnEachShard(hub_, [](Shard& shard) { shard.EndTurn(); });
}

}  // namespace longwire
