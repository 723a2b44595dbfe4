#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/refusal.h"
#include "server/engine/event_log.h"

namespace longwire {

// What stands in the registry about consumer groups. The wire forms are
// longwire/internal/v1/groups.proto; bytes that are none of ours read as an empty record.

// What the members of a group have to agree on.
struct GroupSettings {
  uint8_t types = 0;  // As EventFilter::types.
  bool manual_ack = false;

  bool operator==(const GroupSettings&) const = default;
};

// Where a group begins, if it is new.
struct GroupStart {
  uint64_t after = 0;             // Behind this event.
  bool is_after_restart = false;  // The cursor was of another log.
  // Why it cannot begin there. No matter when the group has its own place already.
  std::optional<Refusal> refusal;
};

// A group: who is in it and how it began.
struct GroupRecord {
  // Names this beginning of the group: the places of an older one of the same name are no concern
  // of it. 0 = there is no group.
  int64_t generation = 0;
  std::string log_id;
  uint64_t start_after = 0;
  bool is_after_restart = false;
  GroupSettings settings;
  std::vector<int64_t> members;  // Subscription IDs, ascending.

  static GroupRecord Parse(const std::string& bytes);
  std::string Serialize() const;

  bool HasMember(int64_t subscription_id) const;
  // Takes a newcomer in, or says why not. The first member of an empty group sets it anew, and a
  // group that is new, or of another log, begins at `start`.
  std::optional<Refusal> Admit(std::string_view name, int64_t subscription_id,
                               const GroupSettings& newcomer, const GroupStart& start,
                               const EventLog& log);
};

// A partition's place in a group, and who may read on from there.
struct GroupPartitionRecord {
  int64_t holder = 0;  // 0 = nobody.
  uint64_t done_up_to = 0;
  // The group is after a restart, and nobody who held this partition has been told so.
  bool is_restart_untold = false;

  static GroupPartitionRecord Parse(const std::string& bytes);
  std::string Serialize() const;
};

}  // namespace longwire
