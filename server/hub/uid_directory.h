#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/synchronization/mutex.h"
#include "server/core/session_id.h"

namespace longwire {

// What happens when a uid logs in that has a session already.
enum class DuplicateLogin : uint8_t {
  kKickOld,    // The older session is closed; its LEAVE stands in the log before the new ENTER.
  kRejectNew,  // The new login is refused while the older session lives.
  kAllow,      // Both live.
};

using SessionIds = absl::InlinedVector<SessionId, 4>;

// Which sessions a uid has on this node, and the queue in which its logins wait for each other.
// Anonymous sessions are not in it. Any thread; each call is short and none calls out.
//
// A session claims its uid before it enters, and releases it when its LEAVE is in the event log (or
// when it gives up before entering). With kKickOld a claim waits for the release of the session
// before it; of several that wait the newest wins and the others are cancelled, without ever having
// entered.
class UidDirectory {
 public:
  explicit UidDirectory(DuplicateLogin policy) : policy_(policy) {}
  UidDirectory(const UidDirectory&) = delete;
  UidDirectory& operator=(const UidDirectory&) = delete;

  enum class Claim : uint8_t { kGranted, kWaiting, kRejected };
  struct ClaimResult {
    Claim claim;
    // With kWaiting: who has to go. 0 = it has been told already.
    SessionId evict = 0;
    // With kWaiting: a claim that waited here and lost to this one. 0 = none.
    SessionId cancelled = 0;
  };
  ClaimResult Enqueue(std::string_view uid, SessionId newcomer);

  // Gives up what `id` holds or waits for under `uid`; unknown pairs are ignored, so it may be
  // called twice. Returns the session whose waiting claim is granted by it, or 0.
  SessionId Release(std::string_view uid, SessionId id);

  // The sessions that hold `uid`, oldest first; empty when there is none.
  SessionIds Find(std::string_view uid) const;

  // Uids that are held.
  size_t size() const;

 private:
  // 24 bytes beside the key: this is paid for each session.
  struct Entry {
    SessionId owner = 0;
    SessionId waiter = 0;
    std::unique_ptr<std::vector<SessionId>> more;  // Only kAllow: owners after the first.
  };
  // Debian's Abseil has a string_view of its own, so look-up by std::string_view has to be asked
  // for.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view uid) const { return absl::HashOf(uid); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
  };
  struct Stripe {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<std::string, Entry, Hash, Equal> entries ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kStripes = 32;

  Stripe& StripeOf(std::string_view uid) { return stripes_[Hash{}(uid) % kStripes]; }
  const Stripe& StripeOf(std::string_view uid) const { return stripes_[Hash{}(uid) % kStripes]; }

  const DuplicateLogin policy_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace longwire
