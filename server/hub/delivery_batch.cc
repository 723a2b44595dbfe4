#include "server/hub/delivery_batch.h"

#include <utility>

namespace longwire {

DeliveryBatch::DeliveryBatch(Hub& hub) : hub_(hub), items_by_shard_(hub.shards().size() + 1) {}

void DeliveryBatch::Add(SessionId session_id, uint32_t tag, MessageView message) {
  const Shard* shard = hub_.ShardFor(session_id);
  const size_t list = shard == nullptr ? items_by_shard_.size() - 1 : shard->index();
  items_by_shard_[list].push_back({.session_id = session_id, .tag = tag, .message = message});
  bytes_ += BytesOf(items_by_shard_[list].back());
}

void DeliveryBatch::Send(std::shared_ptr<DeliveryBatch> batch, Done done) {
  DeliveryBatch& self = *batch;
  self.done_ = std::move(done);
  // Counted up to one more than there are tasks, so that a quick shard does not end it early.
  self.waiting_for_.store(self.items_by_shard_.size());
  for (const auto& shard : self.hub_.shards()) {
    std::vector<Item>& items = self.items_by_shard_[shard->index()];
    if (items.empty()) {
      self.OneIsThrough();
      continue;
    }
    size_t bytes = 0;
    for (const Item& item : items) bytes += BytesOf(item);
    const bool is_posted =
        shard->loop().TryPost(bytes, [batch, &shard = *shard] { batch->DeliverOn(shard); });
    if (!is_posted) {
      for (Item& item : items) item.was_refused_by_inbox = true;
      self.OneIsThrough();
    }
  }
  self.OneIsThrough();
}

void DeliveryBatch::DeliverOn(Shard& shard) {
  for (Item& item : items_by_shard_[shard.index()]) {
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
