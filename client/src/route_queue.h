// What a RouteStream has taken and not yet answered: pure bookkeeping, no thread, no stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "longwire/route_stream.h"
#include "longwire/v1/gateway.pb.h"

namespace longwire::client::internal {

// One request takes at most so much: the gateway reads up to 4 MiB, and framing wants a little.
inline constexpr size_t kBatchBytesMax = (size_t{4} << 20) - (size_t{64} << 10);
// What a route costs in its batch beyond its own bytes: one byte of tag and up to four of length.
inline constexpr size_t kRouteOverheadBytes = 5;

// The handlers of one batch, by index of its routes. A null handler: nobody asks for that answer.
struct RouteHandlers {
  uint64_t batch_id = 0;
  std::vector<RouteStream::AnswerHandler> handlers;
};

// A route goes through three states: waiting (in a batch not yet written), in flight (written, no
// answer), answering (its handlers are being called), and leaves with Done. All three count
// against the limits. Not thread-safe.
class RouteQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RouteQueue(const RouteStreamOptions& options) : options_(options) {}

  // Whether one more route of that size may be added. Always, if nothing is unanswered.
  bool HasRoom(size_t bytes) const;
  // REQUIRES: HasRoom(bytes) and bytes <= kBatchBytesMax - kRouteOverheadBytes.
  void Add(v1::RouteRequest route, size_t bytes, RouteStream::AnswerHandler handler, TimePoint now);

  // Whether TakeBatch would return one: something waits and not too many batches are in flight.
  bool CanTakeBatch() const;
  // The oldest waiting batch, now in flight. REQUIRES: CanTakeBatch().
  v1::RouteStreamRequest TakeBatch();

  // Moves one batch in flight to answering. nullopt: no batch of that id is in flight.
  std::optional<RouteHandlers> TakeAnswered(uint64_t batch_id);
  // Moves all batches in flight to answering, oldest first: their stream broke.
  std::vector<RouteHandlers> TakeInFlight();
  // Moves waiting batches, whose first route was added before `deadline`, to answering.
  std::vector<RouteHandlers> TakeWaitingSince(TimePoint deadline);
  // The handlers of that batch have returned.
  void Done(uint64_t batch_id);

  // Everything taken so far is in batches up to this id, and later routes go into later ones.
  uint64_t Seal();
  // Whether every batch up to this id is done.
  bool IsDoneUpTo(uint64_t batch_id) const;
  bool empty() const { return unanswered_routes_ == 0; }

 private:
  struct Waiting {
    v1::RouteStreamRequest request;
    size_t request_bytes = 0;
    std::vector<RouteStream::AnswerHandler> handlers;
    TimePoint since;
  };
  struct Size {
    size_t routes = 0;
    size_t bytes = 0;
  };

  // Constant after construction.
  const RouteStreamOptions options_;

  std::deque<Waiting> waiting_;
  std::map<uint64_t, RouteHandlers> in_flight_;
  // Of every batch in any state, by id.
  std::map<uint64_t, Size> sizes_;
  uint64_t last_id_ = 0;
  // The youngest waiting batch takes no more.
  bool sealed_ = false;
  size_t unanswered_routes_ = 0;
  size_t unanswered_bytes_ = 0;
};

}  // namespace longwire::client::internal
