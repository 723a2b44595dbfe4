#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace longwire::bench {

// The sessions that are there, as their beginnings and ends are told. Not thread-safe.
class LiveSessions {
 public:
  void Enter(int64_t id) {
    place_.emplace(id, ids_.size());
    ids_.push_back(id);
  }

  void Leave(int64_t id) {
    const auto found = place_.find(id);
    if (found == place_.end()) return;
    // The last takes its place.
    ids_[found->second] = ids_.back();
    place_[ids_.back()] = found->second;
    ids_.pop_back();
    place_.erase(id);
  }

  // In no particular order.
  const std::vector<int64_t>& list() const { return ids_; }

 private:
  std::vector<int64_t> ids_;
  std::unordered_map<int64_t, size_t> place_;
};

}  // namespace longwire::bench
