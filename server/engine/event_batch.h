#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/limits.h"
#include "server/core/partition.h"

namespace longwire {

// What the log knows of an event without parsing it: enough to filter a stream.
struct EventTraits {
  uint8_t type : 7 = 0;     // longwire.v1.EventType
  bool silent : 1 = false;  // The LEAVE of a silent Kick.
  uint8_t shard = 0;        // The hub shard that wrote it.
  PartitionNumber partition = 0;
};

// Events that one shard has gathered in a turn, encoded but for their sequence, which the log gives
// them. One thread at a time.
class EventBatch {
 public:
  struct Item {
    uint32_t bytes;
    EventTraits traits;
  };

  // The buffer to append the next event's encoding to (a longwire.v1.Event without field 1).
  std::string& bytes() { return bytes_; }
  // Ends the event that began where the last one ended.
  void Add(EventTraits traits) {
    items_.push_back({static_cast<uint32_t>(bytes_.size() - ended_), traits});
    ended_ = bytes_.size();
  }

  bool empty() const { return items_.empty(); }
  const std::vector<Item>& items() const { return items_; }
  std::string_view encoded() const { return bytes_; }
  // Keeps the memory, unless a burst has made it large.
  void Clear() {
    bytes_.clear();
    items_.clear();
    ended_ = 0;
    // A swap, since a string that is assigned to keeps what it has.
    if (bytes_.capacity() > 2 * kEventBatchBytesMax) {
      std::string().swap(bytes_);
      std::vector<Item>().swap(items_);
    }
  }

 private:
  std::string bytes_;
  std::vector<Item> items_;
  size_t ended_ = 0;
};

}  // namespace longwire
