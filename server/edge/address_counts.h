#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "server/edge/address.h"

namespace longwire {

// How many connections each client address has, for --sessions-per-ip-max. An IPv6 client counts by
// its /64, which one customer commonly has to himself. An address without connections costs
// nothing. Any thread.
class AddressCounts {
 public:
  size_t Count(const RemoteAddress& address);
  // Both return the count that follows.
  size_t Add(const RemoteAddress& address);
  size_t Remove(const RemoteAddress& address);

 private:
  using Key = decltype(RemoteAddress().CountingKey());
  struct Stripe {
    absl::Mutex mutex;
    absl::flat_hash_map<Key, uint32_t> counts ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kStripes = 16;

  Stripe& StripeOf(const Key& key);

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace longwire
