#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/registry.h"

namespace longwire {

// The registry of a single node, in memory: it is gone with the process.
class LocalRegistry final : public Registry {
 public:
  using Task = absl::AnyInvocable<void()>;
  // Runs tasks in order, each later than the call and all on one thread.
  using Executor = std::function<void(Task)>;

  explicit LocalRegistry(Executor executor) : executor_(std::move(executor)) {}

  // Registry
  void Put(std::string key, std::string value, uint64_t expected_revision, Done done) override;
  void Erase(std::string key, uint64_t expected_revision, Done done) override;
  std::unique_ptr<Watch> WatchPrefix(std::string prefix, Changed changed) override;

  // Keys that exist.
  size_t size() const;

 private:
  struct Watcher {
    std::string prefix;
    Changed changed;
    bool is_over = false;  // On the executor's thread.
  };
  class LocalWatch;

  void Write(std::string key, Entry entry, uint64_t expected_revision, Done done);
  void Tell(const std::string& key, const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Executor executor_;

  mutable absl::Mutex mutex_;
  uint64_t revision_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace longwire
