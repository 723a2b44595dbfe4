#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "server/core/message.h"
#include "server/core/session_id.h"
#include "server/hub/hub.h"
#include "server/hub/hub_session.h"

namespace longwire {

// Messages of one caller on their way to any number of sessions: grouped by shard, so that each
// shard gets one task and one wake-up for all of them. Messages for one session keep their order,
// and so do batches that one thread sends one after the other.
//
//   auto batch = std::make_shared<DeliveryBatch>(hub);
//   batch->Add(id, 0, message);  ...
//   DeliveryBatch::Send(batch, [](DeliveryBatch& done) { ... done.ForEach(...) ... });
class DeliveryBatch {
 public:
  struct Item {
    SessionId session_id;
    uint32_t tag;         // The caller's own: which of its requests this belongs to.
    MessageView message;  // Held by the caller until the batch is done.
    Delivery result = Delivery::kGone;
    bool was_refused_by_inbox = false;
  };

  explicit DeliveryBatch(Hub& hub);

  // One message for one session. An ID of another node is answered with kGone.
  void Add(SessionId session_id, uint32_t tag, MessageView message);

  // What the items stand for while they wait for their loops.
  size_t bytes() const;

  // Hands everything to the shards. `done` is called once, when all are through, on the loop that
  // was the last one, or on this thread when there is nothing to wait for; it must be quick. A
  // shard with too much waiting refuses its items: was_refused_by_inbox.
  using Done = absl::AnyInvocable<void(DeliveryBatch&)>;
  static void Send(std::shared_ptr<DeliveryBatch> batch, Done done);

  // Visits the items, those of one shard in the order they were added. REQUIRES: done.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Part& part : parts_) {
      for (const Item& item : part.items) visit(item);
    }
  }

 private:
  // What one shard has of it.
  struct Part {
    std::vector<Item> items;
    size_t bytes = 0;  // What they stand for.
  };

  void DeliverOn(Shard& shard);
  void OneIsThrough();

  Hub& hub_;
  // By shard; the last is for sessions that are on no shard of this node.
  std::vector<Part> parts_;
  std::atomic<size_t> waiting_for_{0};
  Done done_;
};

}  // namespace longwire
