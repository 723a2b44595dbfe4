#include "server/events/assignment.h"

#include <cstddef>

#include "server/core/hash.h"

namespace longwire {

std::vector<int64_t> AssignPartitions(uint32_t partitions, std::span<const int64_t> members) {
  std::vector<int64_t> holders(partitions, 0);
  if (members.empty()) return holders;
  const size_t most = (partitions + members.size() - 1) / members.size();
  std::vector<size_t> held(members.size(), 0);
  for (uint32_t partition = 0; partition < partitions; ++partition) {
    size_t best = members.size();
    uint64_t best_score = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      if (held[i] == most) continue;
      const uint64_t score = MixBits(static_cast<uint64_t>(members[i]) ^ MixBits(partition + 1));
      if (best == members.size() || score > best_score) {
        best = i;
        best_score = score;
      }
    }
    ++held[best];
    holders[partition] = members[best];
  }
  return holders;
}

}  // namespace longwire
