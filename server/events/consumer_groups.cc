#include "server/events/consumer_groups.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "server/base/limits.h"

namespace longwire {
namespace {

constexpr std::string_view kPrefix = "groups/";

// "groups/NAME" or "groups/NAME/GENERATION/PARTITION".
struct Key {
  std::string_view name;
  std::optional<int64_t> generation;
  PartitionNumber partition = 0;
};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Key> ParseKey(std::string_view text) {
  text.remove_prefix(kPrefix.size());
  Key key;
  const size_t slash = text.find('/');
  key.name = text.substr(0, slash);
  if (slash == std::string_view::npos) return key;
  text.remove_prefix(slash + 1);
  const size_t second = text.find('/');
  if (second == std::string_view::npos) return std::nullopt;
  int64_t generation = 0;
  if (!ParseNumber(text.substr(0, second), generation) ||
      !ParseNumber(text.substr(second + 1), key.partition)) {
    return std::nullopt;
  }
  key.generation = generation;
  return key;
}

}  // namespace

ConsumerGroups::ConsumerGroups(const GroupContext& context) : context_(context) {}

void ConsumerGroups::Start() {
  watch_ = context_.registry.WatchPrefix(
      std::string(kPrefix),
      [this](std::string_view key, const Registry::Entry& entry) { OnEntry(key, entry); });
}

ConsumerGroup& ConsumerGroups::GroupOf(const std::string& name) {
  std::shared_ptr<ConsumerGroup>& group = groups_[name];
  if (group == nullptr) {
    group = std::make_shared<ConsumerGroup>(name, fmt::format("{}{}", kPrefix, name), context_);
  }
  return *group;
}

void ConsumerGroups::OnEntry(std::string_view text, const Registry::Entry& entry) {
  const std::optional<Key> key = ParseKey(text);
  // A key of a newer version's is not ours to understand.
  if (!key) return;
  const std::string name(key->name);
  // What is erased needs no group to be told so.
  if (!entry.exists && !groups_.contains(name)) return;
  if (key->generation) {
    GroupOf(name).OnPartitionEntry(*key->generation, key->partition, entry);
  } else {
    GroupOf(name).OnGroupEntry(entry);
  }
}

std::shared_ptr<ConsumerGroup> ConsumerGroups::Join(const std::string& name, GroupJoin join) {
  if (!groups_.contains(name) && groups_.size() >= kGroupsMax) {
    join.joined(Refusal{Reason::kGatewayBusy, fmt::format("there are {} groups", groups_.size())});
    return nullptr;
  }
  const std::shared_ptr<ConsumerGroup> group = GroupOf(name).shared_from_this();
  group->Join(std::move(join));
  return group;
}

void ConsumerGroups::Tick() {
  std::vector<std::shared_ptr<ConsumerGroup>> groups;
  for (const auto& [name, group] : groups_) groups.push_back(group);
  std::vector<Stats> stats;
  for (const auto& group : groups) {
    group->Tick();
    if (group->is_gone()) {
      groups_.erase(group->name());
    } else if (group->exists()) {
      stats.push_back({.name = group->name(),
                       .members = group->member_count(),
                       .unacked = group->unacked(),
                       .covered = group->covered()});
    }
  }
  absl::MutexLock lock(&stats_mutex_);
  stats_.swap(stats);
}

std::vector<ConsumerGroups::Stats> ConsumerGroups::stats() const {
  absl::MutexLock lock(&stats_mutex_);
  return stats_;
}

}  // namespace longwire
