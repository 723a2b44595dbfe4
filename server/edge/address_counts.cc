#include "server/edge/address_counts.h"

#include "absl/hash/hash.h"

namespace longwire {

AddressCounts::Stripe& AddressCounts::StripeOf(const Key& key) {
  return stripes_[absl::Hash<Key>()(key) / 7 % kStripes];
}

size_t AddressCounts::Count(const RemoteAddress& address) {
  const Key key = address.CountingKey();
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  const auto found = stripe.counts.find(key);
  return found == stripe.counts.end() ? 0 : found->second;
}

size_t AddressCounts::Add(const RemoteAddress& address) {
  const Key key = address.CountingKey();
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  return ++stripe.counts[key];
}

size_t AddressCounts::Remove(const RemoteAddress& address) {
  const Key key = address.CountingKey();
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  const auto found = stripe.counts.find(key);
  if (found == stripe.counts.end()) return 0;
  const size_t left = --found->second;
  if (left == 0) stripe.counts.erase(found);
  return left;
}

}  // namespace longwire
