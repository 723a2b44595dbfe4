#include "server/hub/delivery_batch.h"

#include <utility>

namespace longwire {

DeliveryBatch::DeliveryBatch(Hub& hub) : hub_(hub), parts_(hub.shards().size() + 1) {}

void DeliveryBatch::Add(SessionId session_id, uint32_t tag, MessageView message) {
  const Shard* shard = hub_.ShardFor(session_id);
  Part& part = shard == nullptr ? parts_.back() : parts_[shard->index()];
  part.items.push_back({.session_id = session_id, .tag = tag, .message = message});
  part.bytes += sizeof(Item) + message.body.size();
}

size_t DeliveryBatch::bytes() const {
  size_t sum = 0;
  for (const Part& part : parts_) sum += part.bytes;
  return sum;
}

void DeliveryBatch::Send(std::shared_ptr<DeliveryBatch> batch, Done done) {
  DeliveryBatch& self = *batch;
  self.done_ = std::move(done);
  // Counted up to one more than there are tasks, so that a quick shard does not end it early.
  self.waiting_for_.store(self.parts_.size());
  for (const auto& shard : self.hub_.shards()) {
    Part& part = self.parts_[shard->index()];
    if (part.items.empty()) {
      self.OneIsThrough();
      continue;
    }
    const bool is_posted =
        shard->loop().TryPost(part.bytes, [batch, &shard = *shard] { batch->DeliverOn(shard); });
    if (!is_posted) {
      for (Item& item : part.items) item.was_refused_by_inbox = true;
      self.OneIsThrough();
    }
  }
  self.OneIsThrough();
}

void DeliveryBatch::DeliverOn(Shard& shard) {
  for (Item& item : parts_[shard.index()].items) {
    HubSession* session = shard.Find(item.session_id);
    item.result = session == nullptr ? Delivery::kGone : session->Deliver(item.message);
  }
  OneIsThrough();
}

void DeliveryBatch::OneIsThrough() {
  if (waiting_for_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // Moved out first: what it holds on to usually holds on to this batch.
  Done done = std::move(done_);
  done(*this);
}

}  // namespace longwire
