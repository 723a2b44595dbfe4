#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace longwire {

// Which member of a group is to hold each partition: by rendezvous hashing, at most
// ceil(partitions / members) each, so that few partitions move when a member comes or goes. Every
// node comes to the same answer from the same members. Subscription IDs by partition; 0 where there
// is no member. REQUIRES: members ascend.
std::vector<int64_t> AssignPartitions(uint32_t partitions, std::span<const int64_t> members);

}  // namespace longwire
