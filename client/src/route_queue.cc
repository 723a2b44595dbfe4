#include "route_queue.h"

#include <utility>

namespace longwire::client::internal {

bool RouteQueue::HasRoom(size_t bytes) const {
  if (empty()) return true;
  return unanswered_routes_ < options_.unanswered_routes_max &&
         unanswered_bytes_ + bytes <= options_.unanswered_bytes_max;
}

void RouteQueue::Add(v1::RouteRequest route, size_t bytes, RouteStream::AnswerHandler handler,
                     TimePoint now) {
  const size_t cost = bytes + kRouteOverheadBytes;
  if (waiting_.empty() || sealed_ || waiting_.back().handlers.size() >= options_.batch_routes_max ||
      waiting_.back().request_bytes + cost > kBatchBytesMax) {
    waiting_.emplace_back();
    waiting_.back().since = now;
    waiting_.back().request.set_batch_id(++last_id_);
    sealed_ = false;
  }
  Waiting& batch = waiting_.back();
  *batch.request.add_routes() = std::move(route);
  batch.request_bytes += cost;
  batch.handlers.push_back(std::move(handler));
  Size& size = sizes_[last_id_];
  ++size.routes;
  size.bytes += bytes;
  ++unanswered_routes_;
  unanswered_bytes_ += bytes;
}

bool RouteQueue::CanTakeBatch() const {
  return !waiting_.empty() && in_flight_.size() < options_.batches_in_flight_max;
}

v1::RouteStreamRequest RouteQueue::TakeBatch() {
  Waiting batch = std::move(waiting_.front());
  waiting_.pop_front();
  const uint64_t id = batch.request.batch_id();
  in_flight_[id] = {.batch_id = id, .handlers = std::move(batch.handlers)};
  return std::move(batch.request);
}

std::optional<RouteHandlers> RouteQueue::TakeAnswered(uint64_t batch_id) {
  const auto at = in_flight_.find(batch_id);
  if (at == in_flight_.end()) return std::nullopt;
  RouteHandlers taken = std::move(at->second);
  in_flight_.erase(at);
  return taken;
}

std::vector<RouteHandlers> RouteQueue::TakeInFlight() {
  std::vector<RouteHandlers> taken;
  for (auto& [id, handlers] : in_flight_) taken.push_back(std::move(handlers));
  in_flight_.clear();
  return taken;
}

std::vector<RouteHandlers> RouteQueue::TakeWaitingSince(TimePoint deadline) {
  std::vector<RouteHandlers> taken;
  while (!waiting_.empty() && waiting_.front().since < deadline) {
    taken.push_back({.batch_id = waiting_.front().request.batch_id(),
                     .handlers = std::move(waiting_.front().handlers)});
    waiting_.pop_front();
  }
  return taken;
}

void RouteQueue::Done(uint64_t batch_id) {
  const auto at = sizes_.find(batch_id);
  if (at == sizes_.end()) return;
  unanswered_routes_ -= at->second.routes;
  unanswered_bytes_ -= at->second.bytes;
  sizes_.erase(at);
}

uint64_t RouteQueue::Seal() {
  sealed_ = true;
  return last_id_;
}

bool RouteQueue::IsDoneUpTo(uint64_t batch_id) const {
  return sizes_.empty() || sizes_.begin()->first > batch_id;
}

}  // namespace longwire::client::internal
