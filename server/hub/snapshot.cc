#include "server/hub/snapshot.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "server/base/limits.h"
#include "server/events/event_encoder.h"

namespace longwire {
namespace {

// Half of what a response may hold: the last session of a piece may go over it by its attributes.
constexpr size_t kPieceBytes = kResponseBytesMax / 2;

struct Gathering {
  explicit Gathering(size_t shards) : pieces(shards), positions(shards), waiting_for(shards) {}

  std::vector<std::vector<std::string>> pieces;  // By shard; each written by its loop alone.
  std::vector<uint64_t> positions;
  std::atomic<size_t> waiting_for;
  absl::AnyInvocable<void(Snapshot)> done;

  void Finish() {
    Snapshot snapshot;
    snapshot.positions = std::move(positions);
    for (auto& of_shard : pieces) {
      std::move(of_shard.begin(), of_shard.end(), std::back_inserter(snapshot.framed_pieces));
    }
    done(std::move(snapshot));
  }
};

void Gather(Shard& shard, Hub& hub, Gathering& gathering) {
  // All that this shard has done is in the log now, and what it does next will stand behind.
  shard.EndTurn();
  gathering.positions[shard.index()] = hub.log().head();
  std::vector<std::string>& pieces = gathering.pieces[shard.index()];
  v1::Session described;
  shard.ForEach([&](const HubSession& session) {
    if (pieces.empty() || pieces.back().size() >= kPieceBytes) pieces.emplace_back();
    described.Clear();
    session.Describe(described);
    const int64_t entered_millis =
        described.entered_at().seconds() * 1'000 + described.entered_at().nanos() / 1'000'000;
    AppendFramedSnapshotEnter(pieces.back(), {session.id(), session.uid(), entered_millis},
                              described);
  });
}

}  // namespace

uint64_t Snapshot::next() const {
  return *std::min_element(positions.begin(), positions.end()) + 1;
}

void TakeSnapshot(Hub& hub, absl::AnyInvocable<void(Snapshot)> done) {
  auto gathering = std::make_shared<Gathering>(hub.shards().size());
  gathering->done = std::move(done);
  for (const auto& shard : hub.shards()) {
    shard->loop().Post([&hub, &shard = *shard, gathering] {
      Gather(shard, hub, *gathering);
      if (gathering->waiting_for.fetch_sub(1) == 1) gathering->Finish();
    });
  }
}

}  // namespace longwire
