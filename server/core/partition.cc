#include "server/core/partition.h"

#include "server/core/hash.h"

namespace longwire {
namespace {

// FNV-1a, 64 bits. Abseil's hash is salted anew in each process, and std::hash is the library's
// affair.
uint64_t Fnv1a(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3ull;
  }
  return hash;
}

}  // namespace

PartitionNumber PartitionOf(std::string_view uid, SessionId id, uint32_t partitions) {
  const uint64_t hash = uid.empty() ? MixBits(static_cast<uint64_t>(id)) : MixBits(Fnv1a(uid));
  return static_cast<PartitionNumber>(hash % partitions);
}

}  // namespace longwire
