#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/registry.h"
#include "server/events/consumer_group.h"

namespace longwire {

// All consumer groups that this node knows of. Only on the thread of the registry's executor, but
// for stats().
class ConsumerGroups {
 public:
  explicit ConsumerGroups(const GroupContext& context);
  ConsumerGroups(const ConsumerGroups&) = delete;
  ConsumerGroups& operator=(const ConsumerGroups&) = delete;

  // Begins to follow the registry. REQUIRES: on the executor's thread, before anything else.
  void Start();

  // Joins the group of this name, which is made if there is none; `join.joined` tells what came of
  // it. Returns the group, to Leave it and to tell it what is done; nothing, with join.joined
  // called, when there are too many groups.
  std::shared_ptr<ConsumerGroup> Join(const std::string& name, GroupJoin join);

  // About once a second.
  void Tick();

  // For people, as of the last Tick. Any thread.
  struct Stats {
    std::string name;
    size_t members = 0;  // On all nodes.
    size_t unacked = 0;  // With members of this node.
    uint64_t covered = 0;
  };
  std::vector<Stats> stats() const;

 private:
  void OnEntry(std::string_view key, const Registry::Entry& entry);
  ConsumerGroup& GroupOf(const std::string& name);

  const GroupContext context_;
  absl::flat_hash_map<std::string, std::shared_ptr<ConsumerGroup>> groups_;
  std::unique_ptr<Registry::Watch> watch_;

  mutable absl::Mutex stats_mutex_;
  std::vector<Stats> stats_ ABSL_GUARDED_BY(stats_mutex_);
};

}  // namespace longwire
