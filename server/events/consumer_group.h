#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "server/base/clock.h"
#include "server/base/refusal.h"
#include "server/core/partition.h"
#include "server/engine/event_log.h"
#include "server/engine/registry.h"
#include "server/events/event_feed.h"
#include "server/events/group_record.h"

namespace longwire {

// What the groups of a node work with. All must outlive them.
struct GroupContext {
  const EventLog& log;
  Registry& registry;
  const Clock& clock;
  uint32_t partitions = 1;
  int64_t retention_millis = 0;  // Of a group without members.
};

// A subscription of this node on its way into a group, and in it.
struct GroupJoin {
  int64_t subscription_id = 0;
  GroupSettings settings;
  GroupStart start;
  // Outlives the membership: until Leave returns, or `joined` has told a refusal.
  EventFeed* feed = nullptr;
  // Called once: it is a member now, or why it is not.
  absl::AnyInvocable<void(std::optional<Refusal>)> joined;
  // Called when there may be more to feed.
  absl::AnyInvocable<void()> fed;
  // Called when it has kept events for longer than it may: it is to leave.
  absl::AnyInvocable<void()> expired;
};

// One consumer group, as this node sees it: the registry says who is in it and who holds which
// partition at which place; this class takes and gives back partitions for the members that are
// here. Every node does so for its own, by the same rules:
//
//   * AssignPartitions says who should hold a partition.
//   * Who should and finds it free claims it, and reads on behind its place.
//   * Who holds it and should not stops reading, waits until what was sent of it is dealt with,
//     and frees it with its new place.
//   * A holder that is not a member any more holds nothing.
//
// Only on the thread of the registry's executor; it calls back on it, and may be called from there.
class ConsumerGroup : public std::enable_shared_from_this<ConsumerGroup> {
 public:
  // `key` is where the group stands in the registry.
  ConsumerGroup(std::string name, std::string key, const GroupContext& context);

  void Join(GroupJoin join);
  // What the member was sent and has not dealt with goes to others. Unknown IDs are ignored.
  void Leave(int64_t subscription_id);
  // The member has dealt with events: a partition that waited for that may move on.
  void OnDone(int64_t subscription_id);

  // About once a second: who is overdue, what is to be written down, whether anybody is left.
  void Tick();

  // The registry has changed, at the group's own key or at one below it.
  void OnGroupEntry(const Registry::Entry& entry);
  void OnPartitionEntry(int64_t generation, PartitionNumber partition,
                        const Registry::Entry& entry);

  const std::string& name() const { return name_; }
  bool exists() const { return exists_; }
  // Nothing is known of it, here or in the registry: it can be forgotten.
  bool is_gone() const { return !exists_ && local_.empty() && joining_.empty() && !is_writing_; }

  // Everything up to this sequence is dealt with, by whoever had it. As of the last Tick; it only
  // grows.
  uint64_t covered() const { return covered_; }
  size_t member_count() const { return record_.members.size(); }
  // Events that members of this node were sent and have not acknowledged.
  size_t unacked() const;

 private:
  // A member of this node.
  struct Local {
    EventFeed* feed = nullptr;  // Null once it has left: its partitions are still to be freed.
    absl::AnyInvocable<void()> fed;
    absl::AnyInvocable<void()> expired;
    int claims = 0;                          // Under way for it.
    std::vector<PartitionNumber> releasing;  // It is fed them no more, and has not settled them.
  };
  struct Partition {
    // What the registry says; of what is held here, more recently than it does.
    GroupPartitionRecord record;
    uint64_t revision = 0;
    // Who should hold it.
    int64_t wanted = 0;
    // What happens here. While a write is under way nothing else is begun.
    struct PendingWrite {
      int64_t holder;
      bool is_change;  // It was another's when the write began.
    };
    std::optional<PendingWrite> writing;
    uint64_t written_up_to = 0;
    bool has_begun = false;   // Its holder is here and was fed of it.
    bool is_reading = false;  // And is being fed.
    int64_t releasing_since_millis = 0;
  };

  Local* FindLocal(int64_t subscription_id);
  // Those that have not left; as far as this node knows.
  std::vector<int64_t> StayingMembers() const;
  bool HoldsAnything(int64_t subscription_id) const;

  // Writes who has come and who is through with leaving, if anybody.
  void PumpRecord();
  void WriteRecord(const GroupRecord& record, std::vector<int64_t> asked);
  void OnRecordWritten(const Registry::Outcome& outcome, const std::vector<int64_t>& asked);
  // Returns false when it is no news.
  bool Apply(const Registry::Entry& entry);

  // Decides anew who should hold what.
  void Reassign();
  // Takes the next step that brings the partition to who should hold it.
  void Reconcile(PartitionNumber number);
  void StartReading(PartitionNumber number, Local& holder);
  void StopReading(PartitionNumber number, Local& holder);
  // Notes how far its holder here has got.
  void NoteDone(PartitionNumber number, const Local& holder);
  // Writes the partition as it is known here, with this holder, and goes on from what it then is.
  void Write(PartitionNumber number, int64_t holder);
  void OnWritten(PartitionNumber number, const Registry::Entry& entry);
  void CountClaim(int64_t subscription_id, int by);
  std::string PartitionKey(PartitionNumber number) const;

  void ExpireOverdue();
  // Writes down how far some of the partitions have got, each in its turn.
  void Checkpoint();
  void UpdateCovered();
  void EraseIfUnused();
  // The keys and revisions that the partitions have in the registry.
  std::vector<std::pair<std::string, uint64_t>> PartitionEntries() const;
  void Erase(const std::vector<std::pair<std::string, uint64_t>>& entries);

  // Constant after construction.
  const std::string name_;
  const std::string key_;
  const GroupContext& context_;

  bool exists_ = false;
  uint64_t revision_ = 0;
  GroupRecord record_;
  bool is_writing_ = false;  // The record.
  std::vector<Partition> partitions_;
  absl::flat_hash_map<int64_t, std::unique_ptr<Local>> local_;
  std::deque<GroupJoin> joining_;
  uint64_t covered_ = 0;
  std::optional<int64_t> unused_since_millis_;
  uint64_t ticks_ = 0;
  int64_t last_tick_millis_;
};

}  // namespace longwire
