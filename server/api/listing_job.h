#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/gateway.pb.h"
#include "server/base/refusal.h"
#include "server/core/session_id.h"
#include "server/hub/hub.h"

namespace longwire {

// A ListSessions that can be run: which sessions, and which page of them.
struct ListingPlan {
  enum class Filter : uint8_t { kNone, kUid, kTopic };

  // What a page token is bound to: the filter as one string.
  std::string FilterKey() const;

  Filter filter = Filter::kNone;
  std::string name;     // The uid or the topic.
  SessionId after = 0;  // Sessions up to this ID were on the pages before.
  size_t page_size = 0;
};
std::variant<ListingPlan, Refusal> PlanListing(const v1::ListSessionsRequest& request);

// Fills one page: the sessions with the smallest IDs behind `after`. By ID, so a session that lives
// through the whole listing is on one page and on no second, whoever comes and goes. Each loop
// looks through its sessions once, which takes time by their number. `done` is called once, on a
// loop; it must be quick. REQUIRES: `page` lives until it is done.
void RunListing(Hub& hub, ListingPlan plan, v1::ListSessionsResponse& page,
                absl::AnyInvocable<void()> done);

}  // namespace longwire
