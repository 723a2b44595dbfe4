// What a consumer has to handle, and in which order: pure bookkeeping, no thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "longwire/v1/types.pb.h"

namespace longwire::client::internal {

// Events are given out in the order of their arrival, but one only when no other of the same uid
// (of the same session, where anonymous) is being handled. In that order, since the gateway waits
// for the oldest that is not acknowledged. Not thread-safe.
class EventQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // An event on its way through a handler.
  struct Item {
    v1::Event event;
    int64_t subscription_id = 0;  // The stream that brought it.
    std::string key;              // Whose it is.
    int attempts = 0;             // That have come to nothing.
    uint64_t arrival = 0;         // Its place among all that ever came.
  };

  void Push(v1::Event event, int64_t subscription_id);
  // The stream has broken: what waits comes again by another. What is being handled stays so.
  void DropWaiting();

  // The next event that may be handled now. Each has to come back by Done or Retry.
  std::optional<Item> Take(TimePoint now);
  // It is dealt with: the next of its key may go.
  void Done(const Item& item);
  // It is to be handled again from `at` on, before what follows it of its key; unless its stream
  // has broken meanwhile (then it comes again anyway).
  void Retry(Item item, TimePoint at, int64_t current_subscription_id);

  // When something that waits may be handled that may not now. Unset: only after a Push or a Done.
  std::optional<TimePoint> NextTime() const;
  size_t waiting() const { return waiting_; }
  size_t busy() const { return busy_; }

 private:
  // The events of one uid.
  struct Lane {
    std::deque<Item> items;
    bool is_busy = false;
    TimePoint not_before{};  // Of the first item.
  };

  // Makes the lane's first item ready to be taken, or forgets an empty lane.
  void Settle(const std::string& key, Lane& lane);

  std::map<std::string, Lane> lanes_;
  std::map<uint64_t, std::string> ready_;  // Lanes whose first item may be handled, by its arrival.
  std::multimap<TimePoint, std::string> pausing_;  // Lanes whose first item has to wait.
  uint64_t arrivals_ = 0;
  size_t waiting_ = 0;
  size_t busy_ = 0;
};

}  // namespace longwire::client::internal
