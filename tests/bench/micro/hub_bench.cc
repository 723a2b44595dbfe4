// What it costs to find a session: by ID in its shard, and by uid in the directory.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/engine/local_event_log.h"
#include "server/hub/hub.h"

namespace longwire {
namespace {

class SilentSession final : public HubSession {
 public:
  SilentSession(SessionId id, std::string uid) : id_(id), uid_(std::move(uid)) {}

  SessionId id() const override { return id_; }
  std::string_view uid() const override { return uid_; }
  PartitionNumber partition() const override { return 0; }
  Delivery Deliver(MessageView) override { return Delivery::kQueued; }
  Delivery Deliver(const SharedFrame&) override { return Delivery::kQueued; }
  void Kick(uint16_t, std::string_view, bool) override {}
  void Drain() override {}
  void OnClaimGranted() override {}
  void OnEvicted() override {}
  void Describe(v1::Session&) const override {}

 private:
  const SessionId id_;
  const std::string uid_;
};

// A hub of one shard with so many sessions, whose IDs come in an order that is not theirs.
class FullHub {
 public:
  explicit FullHub(size_t sessions) {
    loops_.push_back(std::make_unique<Loop>(0, Clock::Real()));
    hub_ = std::make_unique<Hub>(loops_, log_, ids_, Hub::Options{}, budget_, metrics_);
    Shard& shard = *hub_->shards()[0];
    for (size_t i = 0; i < sessions; ++i) {
      sessions_.push_back(
          std::make_unique<SilentSession>(shard.NewId(), "user-" + std::to_string(i)));
      shard.Claim(*sessions_.back());
      shard.Enter(*sessions_.back(), v1::Enter());
      shard.EndTurn();
    }
  }

  Hub& hub() { return *hub_; }
  // Another one each time, far from the last.
  const SilentSession& Any() {
    next_ = (next_ + kStride) % sessions_.size();
    return *sessions_[next_];
  }

 private:
  static constexpr size_t kStride = 7'919;

  std::vector<std::unique_ptr<Loop>> loops_;
  LocalEventLog log_{"log", size_t{64} << 20, 3'600'000, Clock::Real()};
  SnowflakeGenerator ids_{Clock::Real(), 1'704'067'200'000, 0, 1};
  ByteBudget budget_{size_t{1} << 30};
  Metrics metrics_{1};
  std::vector<std::unique_ptr<SilentSession>> sessions_;
  std::unique_ptr<Hub> hub_;
  size_t next_ = 0;
};

void BM_FindById(benchmark::State& state) {
  FullHub full(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const SessionId id = full.Any().id();
    benchmark::DoNotOptimize(full.hub().ShardFor(id)->Find(id));
  }
}
BENCHMARK(BM_FindById)->Arg(1'000)->Arg(20'000)->Arg(200'000);

void BM_FindByUid(benchmark::State& state) {
  FullHub full(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(full.hub().uids().Find(full.Any().uid()));
  }
}
BENCHMARK(BM_FindByUid)->Arg(1'000)->Arg(20'000)->Arg(200'000);

}  // namespace
}  // namespace longwire
