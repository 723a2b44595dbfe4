#include "server/hub/uid_directory.h"

#include <algorithm>
#include <utility>

namespace longwire {

UidDirectory::ClaimResult UidDirectory::Enqueue(std::string_view uid, SessionId newcomer) {
  Stripe& stripe = StripeOf(uid);
  absl::MutexLock lock(&stripe.mutex);
  const auto found = stripe.entries.find(uid);
  if (found == stripe.entries.end()) {
    stripe.entries.emplace(std::string(uid), Entry{.owner = newcomer});
    return {.claim = Claim::kGranted};
  }
  Entry& entry = found->second;
  switch (policy_) {
    case DuplicateLogin::kRejectNew:
      return {.claim = Claim::kRejected};
    case DuplicateLogin::kAllow:
      if (entry.more == nullptr) entry.more = std::make_unique<std::vector<SessionId>>();
      entry.more->push_back(newcomer);
      return {.claim = Claim::kGranted};
    case DuplicateLogin::kKickOld:
      break;
  }
  const SessionId cancelled = std::exchange(entry.waiter, newcomer);
  return {
      .claim = Claim::kWaiting, .evict = cancelled == 0 ? entry.owner : 0, .cancelled = cancelled};
}

SessionId UidDirectory::Release(std::string_view uid, SessionId id) {
  Stripe& stripe = StripeOf(uid);
  absl::MutexLock lock(&stripe.mutex);
  const auto found = stripe.entries.find(uid);
  if (found == stripe.entries.end()) return 0;
  Entry& entry = found->second;
  if (entry.waiter == id) {
    entry.waiter = 0;
    return 0;
  }
  if (entry.owner != id) {
    if (entry.more != nullptr) std::erase(*entry.more, id);
    return 0;
  }
  if (entry.waiter != 0) {
    entry.owner = std::exchange(entry.waiter, 0);
    return entry.owner;
  }
  if (entry.more != nullptr && !entry.more->empty()) {
    entry.owner = entry.more->front();
    entry.more->erase(entry.more->begin());
    return 0;
  }
  stripe.entries.erase(found);
  return 0;
}

SessionIds UidDirectory::Find(std::string_view uid) const {
  const Stripe& stripe = StripeOf(uid);
  absl::MutexLock lock(&stripe.mutex);
  const auto found = stripe.entries.find(uid);
  if (found == stripe.entries.end()) return {};
  SessionIds ids{found->second.owner};
  if (found->second.more != nullptr) {
    ids.insert(ids.end(), found->second.more->begin(), found->second.more->end());
  }
  return ids;
}

size_t UidDirectory::size() const {
  size_t sum = 0;
  for (const Stripe& stripe : stripes_) {
    absl::MutexLock lock(&stripe.mutex);
    sum += stripe.entries.size();
  }
  return sum;
}

}  // namespace longwire
