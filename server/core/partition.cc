#include "server/core/partition.h"

#include "server/core/fnv.h"

namespace longwire {
namespace {

// The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input moves every bit of
// the output, so that the low ones can be used.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

}  // namespace

PartitionNumber PartitionOf(std::string_view uid, SessionId id, uint32_t partitions) {
  const uint64_t hash = uid.empty() ? Mix(static_cast<uint64_t>(id)) : Mix(Fnv1a(uid));
  return static_cast<PartitionNumber>(hash % partitions);
}

}  // namespace longwire
