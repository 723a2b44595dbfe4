#include "server/events/consumer_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/events/assignment.h"

namespace longwire {
namespace {

// A place is written down about every so many ticks. It only matters when the node dies: who takes
// over then begins there.
constexpr uint64_t kCheckpointTicks = 16;
// A tick that comes this late says that the gateway stood still.
constexpr int64_t kTickPauseMillis = 3 * kTickMillis;

}  // namespace

ConsumerGroup::ConsumerGroup(std::string name, std::string key, const GroupContext& context)
    : name_(std::move(name)),
      key_(std::move(key)),
      context_(context),
      partitions_(context.partitions),
      last_tick_millis_(context.clock.SteadyMillis()) {}

ConsumerGroup::Local* ConsumerGroup::FindLocal(int64_t subscription_id) {
  const auto found = local_.find(subscription_id);
  return found == local_.end() ? nullptr : found->second.get();
}

// ---- Members ----

void ConsumerGroup::Join(GroupJoin join) {
  joining_.push_back(std::move(join));
  PumpRecord();
}

void ConsumerGroup::PumpRecord() {
  if (is_writing_) return;
  GroupRecord record = record_;
  std::erase_if(record.members, [&](int64_t member) {
    const Local* local = FindLocal(member);
    return local != nullptr && local->feed == nullptr && !HoldsAnything(member);
  });
  // While only those are in it that have left, and whose partitions are being freed, nobody is
  // there that a newcomer could differ from: it waits a moment.
  const bool is_emptying = !record.members.empty() && StayingMembers().empty();
  std::vector<int64_t> asked;
  std::deque<std::pair<GroupJoin, Refusal>> refused;
  for (auto join = joining_.begin(); join != joining_.end();) {
    if (is_emptying && join->settings != record.settings) {
      ++join;
      continue;
    }
    if (std::optional<Refusal> refusal =
            record.Admit(name_, join->subscription_id, join->settings, join->start, context_.log)) {
      refused.emplace_back(std::move(*join), *std::move(refusal));
      join = joining_.erase(join);
    } else {
      asked.push_back(join->subscription_id);
      ++join;
    }
  }
  if (record.members != record_.members || !asked.empty()) WriteRecord(record, std::move(asked));
  for (auto& [join, refusal] : refused) join.joined(std::move(refusal));
}

void ConsumerGroup::WriteRecord(const GroupRecord& record, std::vector<int64_t> asked) {
  is_writing_ = true;
  context_.registry.Put(
      key_, record.Serialize(), exists_ ? revision_ : 0,
      [weak = weak_from_this(), asked = std::move(asked)](Registry::Outcome outcome) {
        if (const auto self = weak.lock()) {
          self->OnRecordWritten(outcome, asked);
        }
      });
}

void ConsumerGroup::OnRecordWritten(const Registry::Outcome& outcome,
                                    const std::vector<int64_t>& asked) {
  is_writing_ = false;
  std::vector<GroupJoin> joined;
  if (outcome.is_stored) {
    for (const int64_t id : asked) {
      auto local = std::make_unique<Local>();
      const auto join = std::find_if(joining_.begin(), joining_.end(), [&](const GroupJoin& one) {
        return one.subscription_id == id;
      });
      // Not there: it has left meanwhile, and is taken out again.
      if (join != joining_.end()) {
        local->feed = join->feed;
        local->fed = std::move(join->fed);
        local->expired = std::move(join->expired);
        joined.push_back(std::move(*join));
        joining_.erase(join);
      }
      local_.emplace(id, std::move(local));
    }
  }
  Apply(outcome.entry);
  UpdateCovered();
  for (GroupJoin& join : joined) join.joined(std::nullopt);
  Reassign();
  PumpRecord();
}

void ConsumerGroup::Leave(int64_t subscription_id) {
  std::erase_if(joining_,
                [&](const GroupJoin& join) { return join.subscription_id == subscription_id; });
  Local* const local = FindLocal(subscription_id);
  if (local == nullptr || local->feed == nullptr) return;
  for (size_t number = 0; number < partitions_.size(); ++number) {
    Partition& part = partitions_[number];
    if (part.record.holder != subscription_id || !part.has_begun) continue;
    NoteDone(static_cast<PartitionNumber>(number), *local);
    part.has_begun = part.is_reading = false;
  }
  local->feed = nullptr;
  local->releasing.clear();
  Reassign();
  PumpRecord();
}

bool ConsumerGroup::HoldsAnything(int64_t subscription_id) const {
  return std::any_of(partitions_.begin(), partitions_.end(), [&](const Partition& part) {
    return part.record.holder == subscription_id ||
           (part.writing && part.writing->holder == subscription_id);
  });
}

void ConsumerGroup::OnGroupEntry(const Registry::Entry& entry) {
  if (!Apply(entry)) return;
  Reassign();
  PumpRecord();
}

bool ConsumerGroup::Apply(const Registry::Entry& entry) {
  const bool is_gone = !entry.exists && entry.revision == 0;
  if (entry.revision <= revision_ && !(is_gone && exists_)) return false;
  revision_ = std::max(revision_, entry.revision);
  exists_ = entry.exists;
  const int64_t generation = record_.generation;
  record_ = exists_ ? GroupRecord::Parse(entry.value) : GroupRecord();
  if (record_.generation != generation) {
    partitions_.assign(partitions_.size(),
                       {.record = {.done_up_to = record_.start_after,
                                   .is_restart_untold = record_.is_after_restart}});
    covered_ = record_.start_after;
    for (const auto& [id, local] : local_) {
      local->claims = 0;
      local->releasing.clear();
      if (local->feed != nullptr) local->feed->Hold(false);
    }
  }
  // They have left, and are out.
  absl::erase_if(local_, [&](const auto& id_and_local) {
    return id_and_local.second->feed == nullptr && !record_.HasMember(id_and_local.first);
  });
  return true;
}

// ---- Partitions ----

std::vector<int64_t> ConsumerGroup::StayingMembers() const {
  std::vector<int64_t> staying;
  for (const int64_t member : record_.members) {
    const auto local = local_.find(member);
    if (local == local_.end() || local->second->feed != nullptr) staying.push_back(member);
  }
  return staying;
}

void ConsumerGroup::Reassign() {
  const std::vector<int64_t> wanted =
      AssignPartitions(static_cast<uint32_t>(partitions_.size()), StayingMembers());
  for (size_t number = 0; number < partitions_.size(); ++number) {
    partitions_[number].wanted = wanted[number];
    Reconcile(static_cast<PartitionNumber>(number));
  }
}

void ConsumerGroup::Reconcile(PartitionNumber number) {
  Partition& part = partitions_[number];
  if (part.writing || !exists_) return;
  Local* const wanted = FindLocal(part.wanted);
  // Another node's member takes it itself when it is free.
  const int64_t next_holder = wanted != nullptr && wanted->feed != nullptr ? part.wanted : 0;
  Local* const holder = FindLocal(part.record.holder);
  if (holder == nullptr) {
    const bool is_free = part.record.holder == 0 || !record_.HasMember(part.record.holder);
    if (is_free && next_holder != 0) Write(number, next_holder);
    return;
  }
  if (holder->feed == nullptr) {
    Write(number, next_holder);
    return;
  }
  if (part.wanted == part.record.holder) {
    StartReading(number, *holder);
    return;
  }
  StopReading(number, *holder);
  if (part.has_begun && !holder->feed->IsSettled(number)) return;
  NoteDone(number, *holder);
  std::erase(holder->releasing, number);
  part.has_begun = false;
  Write(number, next_holder);
}

void ConsumerGroup::StartReading(PartitionNumber number, Local& holder) {
  Partition& part = partitions_[number];
  if (part.is_reading) return;
  const uint64_t from = part.has_begun ? holder.feed->NextOf(number) : part.record.done_up_to + 1;
  holder.feed->AddPartition(number, from, part.record.is_restart_untold && !part.has_begun);
  std::erase(holder.releasing, number);
  part.is_reading = part.has_begun = true;
  if (holder.claims == 0) holder.fed();
}

void ConsumerGroup::StopReading(PartitionNumber number, Local& holder) {
  Partition& part = partitions_[number];
  if (!part.is_reading) return;
  holder.feed->RemovePartition(number);
  part.is_reading = false;
  part.releasing_since_millis = context_.clock.SteadyMillis();
  holder.releasing.push_back(number);
}

void ConsumerGroup::NoteDone(PartitionNumber number, const Local& holder) {
  Partition& part = partitions_[number];
  if (!part.has_begun) return;
  part.record.done_up_to = std::max(part.record.done_up_to, holder.feed->DoneUpTo(number));
  part.record.is_restart_untold = part.record.is_restart_untold && holder.feed->is_restart_untold();
}

void ConsumerGroup::Write(PartitionNumber number, int64_t holder) {
  Partition& part = partitions_[number];
  GroupPartitionRecord written = part.record;
  written.holder = holder;
  part.writing = {.holder = holder, .is_change = holder != part.record.holder};
  part.written_up_to = part.record.done_up_to;
  if (part.writing->is_change) CountClaim(holder, 1);
  context_.registry.Put(PartitionKey(number), written.Serialize(), part.revision,
                        [weak = weak_from_this(), number,
                         generation = record_.generation](const Registry::Outcome& outcome) {
                          const auto self = weak.lock();
                          if (self != nullptr && self->record_.generation == generation) {
                            self->OnWritten(number, outcome.entry);
                          }
                        });
}

void ConsumerGroup::OnWritten(PartitionNumber number, const Registry::Entry& entry) {
  const Partition::PendingWrite written = *std::exchange(partitions_[number].writing, std::nullopt);
  OnPartitionEntry(record_.generation, number, entry);
  Reconcile(number);
  if (!written.is_change) return;
  CountClaim(written.holder, -1);
  PumpRecord();
}

// A member that is to get many partitions gets them at once, so that it is sent what is older
// first.
void ConsumerGroup::CountClaim(int64_t subscription_id, int by) {
  Local* const local = FindLocal(subscription_id);
  if (local == nullptr || local->feed == nullptr) return;
  local->claims += by;
  local->feed->Hold(local->claims > 0);
  if (local->claims == 0) local->fed();
}

std::string ConsumerGroup::PartitionKey(PartitionNumber number) const {
  return fmt::format("{}/{}/{}", key_, record_.generation, number);
}

void ConsumerGroup::OnPartitionEntry(int64_t generation, PartitionNumber number,
                                     const Registry::Entry& entry) {
  if (generation != record_.generation || number >= partitions_.size()) return;
  Partition& part = partitions_[number];
  if (!entry.exists || entry.revision <= part.revision) return;
  const GroupPartitionRecord told = GroupPartitionRecord::Parse(entry.value);
  part.revision = entry.revision;
  if (told.holder != part.record.holder) {
    Local* const holder = FindLocal(part.record.holder);
    if (part.is_reading && holder != nullptr && holder->feed != nullptr) {
      // Another node has judged that we do not hold it any more.
      StopReading(number, *holder);
      std::erase(holder->releasing, number);
    }
    part.record.holder = told.holder;
    part.has_begun = part.is_reading = false;
  }
  // Both only ever go one way.
  part.record.done_up_to = std::max(part.record.done_up_to, told.done_up_to);
  part.record.is_restart_untold = part.record.is_restart_untold && told.is_restart_untold;
  Reconcile(number);
}

void ConsumerGroup::OnDone(int64_t subscription_id) {
  const Local* const local = FindLocal(subscription_id);
  if (local == nullptr) return;
  for (const PartitionNumber number : std::vector(local->releasing)) Reconcile(number);
}

// ---- From time to time ----

void ConsumerGroup::Tick() {
  ++ticks_;
  const int64_t now = context_.clock.SteadyMillis();
  // After a pause of the whole gateway the acknowledgements that came meanwhile are still to be
  // read.
  if (now - std::exchange(last_tick_millis_, now) <= kTickPauseMillis) ExpireOverdue();
  Checkpoint();
  UpdateCovered();
  EraseIfUnused();
}

void ConsumerGroup::ExpireOverdue() {
  const int64_t now = context_.clock.SteadyMillis();
  std::vector<int64_t> overdue;
  for (const auto& entry : local_) {
    const Local& local = *entry.second;
    if (local.feed == nullptr) continue;
    const bool keeps_others_waiting =
        std::any_of(local.releasing.begin(), local.releasing.end(), [&](PartitionNumber number) {
          return now - partitions_[number].releasing_since_millis >=
                 local.feed->ack_timeout_millis();
        });
    if (keeps_others_waiting || local.feed->IsOverdue(now) || !record_.HasMember(entry.first)) {
      overdue.push_back(entry.first);
    }
  }
  for (const int64_t id : overdue) {
    if (Local* local = FindLocal(id)) local->expired();
  }
}

void ConsumerGroup::Checkpoint() {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    const auto number = static_cast<PartitionNumber>(i);
    Partition& part = partitions_[number];
    const Local* const holder = FindLocal(part.record.holder);
    if (!part.has_begun || part.writing || holder == nullptr) continue;
    NoteDone(number, *holder);
    const bool is_its_turn = (number + ticks_) % kCheckpointTicks == 0;
    if (is_its_turn && part.record.done_up_to > part.written_up_to)
      Write(number, part.record.holder);
  }
}

void ConsumerGroup::UpdateCovered() {
  if (!exists_) return;
  uint64_t covered = UINT64_MAX;
  for (const Partition& part : partitions_) covered = std::min(covered, part.record.done_up_to);
  covered_ = covered;
}

void ConsumerGroup::EraseIfUnused() {
  if (!exists_ || !record_.members.empty() || !joining_.empty() || !local_.empty()) {
    unused_since_millis_.reset();
    return;
  }
  const int64_t now = context_.clock.SteadyMillis();
  if (!unused_since_millis_) unused_since_millis_ = now;
  if (now - *unused_since_millis_ < context_.retention_millis || is_writing_) return;
  is_writing_ = true;
  context_.registry.Erase(
      key_, revision_,
      [weak = weak_from_this(), partitions = PartitionEntries()](const Registry::Outcome& outcome) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        self->is_writing_ = false;
        // Their generation is over: whoever comes now begins another.
        if (outcome.is_stored) self->Erase(partitions);
        self->OnGroupEntry(outcome.entry);
        self->PumpRecord();
      });
}

std::vector<std::pair<std::string, uint64_t>> ConsumerGroup::PartitionEntries() const {
  std::vector<std::pair<std::string, uint64_t>> entries;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    if (partitions_[i].revision == 0) continue;
    entries.emplace_back(PartitionKey(static_cast<PartitionNumber>(i)), partitions_[i].revision);
  }
  return entries;
}

void ConsumerGroup::Erase(const std::vector<std::pair<std::string, uint64_t>>& entries) {
  for (const auto& [key, revision] : entries) {
    context_.registry.Erase(key, revision, [](const Registry::Outcome&) {});
  }
}

size_t ConsumerGroup::unacked() const {
  size_t sum = 0;
  for (const auto& [id, local] : local_) {
    if (local->feed != nullptr) sum += local->feed->unacked();
  }
  return sum;
}

}  // namespace longwire
