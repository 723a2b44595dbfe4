// Which events of a subscription are to be acknowledged: pure bookkeeping, no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace longwire::client::internal {

// Remembers what one subscription was sent, in the order of delivery, until the gateway has taken
// its acknowledgement. Not thread-safe.
class AckLog {
 public:
  // What one AckEvents says.
  struct Ack {
    uint64_t up_to = 0;  // 0 = unset.
    std::vector<uint64_t> sequences;
    bool empty() const { return up_to == 0 && sequences.empty(); }
  };

  // Another subscription: nothing of the one before counts any more.
  void Reset(int64_t subscription_id);
  int64_t subscription_id() const { return subscription_id_; }

  void Sent(uint64_t sequence);
  // It is dealt with. Ignored unless it was sent by this subscription.
  void Done(int64_t subscription_id, uint64_t sequence);

  // Whether there is something to acknowledge that was not taken yet.
  bool HasNews() const { return done_ > taken_; }
  // All that is dealt with and not yet acknowledged, in the fewest words: `up_to` for what is done
  // without a hole, `sequences` for the rest. REQUIRES: the one taken before was Settled.
  Ack Take();
  // The acknowledgement that was taken is over: it has arrived, or is to be taken again.
  void Settled(const Ack& ack, bool has_arrived);

  // Events that were sent and whose acknowledgement has not arrived.
  size_t unacked() const { return entries_.size() - acked_; }

 private:
  enum class State : uint8_t { kSent, kDone, kTaken, kAcked };
  struct Entry {
    uint64_t sequence;
    State state = State::kSent;
  };
  Entry& At(uint64_t ordinal) { return entries_[ordinal - first_ordinal_]; }

  int64_t subscription_id_ = 0;
  std::deque<Entry> entries_;  // In the order of delivery; the first is not acknowledged.
  uint64_t first_ordinal_ = 0;
  std::unordered_map<uint64_t, uint64_t> ordinals_;  // By sequence: places in entries_.
  size_t done_ = 0;                                  // Ever, of this subscription.
  size_t taken_ = 0;                                 // Of these.
  size_t acked_ = 0;                                 // Of entries_.
};

}  // namespace longwire::client::internal
