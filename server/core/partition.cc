#include "server/core/partition.h"

namespace longwire {
namespace {

// The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input moves every bit of
// the output, so that the low ones can be used.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

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
  const uint64_t hash = uid.empty() ? Mix(static_cast<uint64_t>(id)) : Mix(Fnv1a(uid));
  return static_cast<PartitionNumber>(hash % partitions);
}

}  // namespace longwire
