#include "event_queue.h"

#include <utility>

namespace longwire::client::internal {

namespace {

// A uid is never empty where it counts, and a session's number never begins with a letter of it.
std::string KeyOf(const v1::Event& event) {
  return event.uid().empty() ? "s" + std::to_string(event.session_id()) : "u" + event.uid();
}

}  // namespace

void EventQueue::Push(v1::Event event, int64_t subscription_id) {
  std::string key = KeyOf(event);
  Lane& lane = lanes_[key];
  const bool was_empty = lane.items.empty();
  lane.items.push_back({.event = std::move(event),
                        .subscription_id = subscription_id,
                        .key = key,
                        .arrival = ++arrivals_});
  ++waiting_;
  if (was_empty) Settle(key, lane);
}

void EventQueue::Settle(const std::string& key, Lane& lane) {
  if (lane.is_busy) return;
  if (lane.items.empty()) {
    lanes_.erase(key);
  } else if (lane.not_before == TimePoint{}) {
    ready_.emplace(lane.items.front().arrival, key);
  } else {
    pausing_.emplace(lane.not_before, key);
  }
}

void EventQueue::DropWaiting() {
  ready_.clear();
  pausing_.clear();
  waiting_ = 0;
  for (auto at = lanes_.begin(); at != lanes_.end();) {
    at->second.items.clear();
    at->second.not_before = {};
    at = at->second.is_busy ? std::next(at) : lanes_.erase(at);
  }
}

std::optional<EventQueue::Item> EventQueue::Take(TimePoint now) {
  while (!pausing_.empty() && pausing_.begin()->first <= now) {
    const std::string key = std::move(pausing_.begin()->second);
    pausing_.erase(pausing_.begin());
    Lane& lane = lanes_.at(key);
    lane.not_before = {};
    Settle(key, lane);
  }
  if (ready_.empty()) return std::nullopt;
  const std::string key = std::move(ready_.begin()->second);
  ready_.erase(ready_.begin());
  Lane& lane = lanes_.at(key);
  Item item = std::move(lane.items.front());
  lane.items.pop_front();
  lane.is_busy = true;
  --waiting_;
  ++busy_;
  return item;
}

void EventQueue::Done(const Item& item) {
  Lane& lane = lanes_.at(item.key);
  lane.is_busy = false;
  --busy_;
  Settle(item.key, lane);
}

void EventQueue::Retry(Item item, TimePoint at, int64_t current_subscription_id) {
  const std::string key = item.key;
  Lane& lane = lanes_.at(key);
  lane.is_busy = false;
  --busy_;
  if (item.subscription_id == current_subscription_id) {
    ++item.attempts;
    lane.items.push_front(std::move(item));
    lane.not_before = at;
    ++waiting_;
  }
  Settle(key, lane);
}

std::optional<EventQueue::TimePoint> EventQueue::NextTime() const {
  if (pausing_.empty()) return std::nullopt;
  return pausing_.begin()->first;
}

}  // namespace longwire::client::internal
