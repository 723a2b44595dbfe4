#include "server/events/group_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "longwire/internal/v1/groups.pb.h"
#include "server/base/limits.h"

namespace longwire {

GroupRecord GroupRecord::Parse(const std::string& bytes) {
  internal::v1::Group group;
  if (!group.ParseFromString(bytes)) return {};
  return {
      .generation = group.generation(),
      .log_id = group.log_id(),
      .start_after = group.start_after(),
      .is_after_restart = group.is_after_restart(),
      .settings = {.types = static_cast<uint8_t>(group.types()), .manual_ack = group.manual_ack()},
      .members = {group.members().begin(), group.members().end()}};
}

std::string GroupRecord::Serialize() const {
  internal::v1::Group group;
  group.set_generation(generation);
  group.set_log_id(log_id);
  group.set_start_after(start_after);
  group.set_is_after_restart(is_after_restart);
  group.set_types(settings.types);
  group.set_manual_ack(settings.manual_ack);
  group.mutable_members()->Add(members.begin(), members.end());
  return group.SerializeAsString();
}

bool GroupRecord::HasMember(int64_t subscription_id) const {
  return std::binary_search(members.begin(), members.end(), subscription_id);
}

std::optional<Refusal> GroupRecord::Admit(std::string_view name, int64_t subscription_id,
                                          const GroupSettings& newcomer, const GroupStart& start,
                                          const EventLog& log) {
  if (members.size() >= kGroupMembersMax) {
    return Refusal{Reason::kGatewayBusy,
                   fmt::format("group {} has {} members", name, members.size())};
  }
  if (!members.empty() && settings != newcomer) {
    return Refusal{
        Reason::kGroupMismatch,
        fmt::format(
            "the members of group {} have {}: give all members the same, or wait until the others "
            "have gone",
            name, settings.types != newcomer.types ? "other types" : "another manual_ack")};
  }
  const bool is_new = generation == 0;
  if (is_new && start.refusal) return start.refusal;
  if (is_new || log_id != log.log_id()) {
    generation = subscription_id;
    log_id = log.log_id();
    is_after_restart = !is_new || start.is_after_restart;
    start_after = is_new ? start.after : log.stats().first_retained - 1;
  }
  settings = newcomer;
  members.insert(std::lower_bound(members.begin(), members.end(), subscription_id),
                 subscription_id);
  return std::nullopt;
}

GroupPartitionRecord GroupPartitionRecord::Parse(const std::string& bytes) {
  internal::v1::GroupPartition partition;
  if (!partition.ParseFromString(bytes)) return {};
  return {.holder = partition.holder(),
          .done_up_to = partition.done_up_to(),
          .is_restart_untold = partition.is_restart_untold()};
}

std::string GroupPartitionRecord::Serialize() const {
  internal::v1::GroupPartition partition;
  partition.set_holder(holder);
  partition.set_done_up_to(done_up_to);
  partition.set_is_restart_untold(is_restart_untold);
  return partition.SerializeAsString();
}

}  // namespace longwire
