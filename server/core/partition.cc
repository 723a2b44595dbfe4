#include "server/core/partition.h"

#include "server/core/hash.h"

namespace longwire {

PartitionNumber PartitionOf(std::string_view uid, SessionId id, uint32_t partitions) {
  const uint64_t hash = uid.empty() ? MixBits(static_cast<uint64_t>(id)) : MixBits(Fnv1a(uid));
  return static_cast<PartitionNumber>(hash % partitions);
}

}  // namespace longwire
