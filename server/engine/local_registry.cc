#include "server/engine/local_registry.h"

#include <utility>

namespace longwire {

class LocalRegistry::LocalWatch final : public Watch {
 public:
  explicit LocalWatch(std::shared_ptr<Watcher> watcher) : watcher_(std::move(watcher)) {}
  ~LocalWatch() override { watcher_->is_over = true; }

 private:
  const std::shared_ptr<Watcher> watcher_;
};

void LocalRegistry::Put(std::string key, std::string value, uint64_t expected_revision, Done done) {
  Write(std::move(key), {.exists = true, .value = std::move(value)}, expected_revision,
        std::move(done));
}

void LocalRegistry::Erase(std::string key, uint64_t expected_revision, Done done) {
  Write(std::move(key), {}, expected_revision, std::move(done));
}

void LocalRegistry::Write(std::string key, Entry entry, uint64_t expected_revision, Done done) {
  // The executor is called under the lock, so that what is told keeps the order of the revisions.
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(key);
  Outcome outcome{.entry = found == entries_.end() ? Entry{} : found->second};
  if (outcome.entry.revision == expected_revision) {
    entry.revision = ++revision_;
    if (entry.exists) {
      entries_[key] = entry;
    } else if (found != entries_.end()) {
      entries_.erase(found);
    }
    Tell(key, entry);
    outcome = {.is_stored = true, .entry = std::move(entry)};
  }
  executor_([done = std::move(done), outcome = std::move(outcome)]() mutable {
    done(std::move(outcome));
  });
}

void LocalRegistry::Tell(const std::string& key, const Entry& entry) {
  std::erase_if(watchers_, [](const auto& watcher) { return watcher.expired(); });
  for (const auto& weak : watchers_) {
    std::shared_ptr<Watcher> watcher = weak.lock();
    if (watcher == nullptr || !key.starts_with(watcher->prefix)) continue;
    executor_([watcher = std::move(watcher), key, entry] {
      if (!watcher->is_over) watcher->changed(key, entry);
    });
  }
}

std::unique_ptr<Registry::Watch> LocalRegistry::WatchPrefix(std::string prefix, Changed changed) {
  auto watcher = std::make_shared<Watcher>();
  watcher->prefix = std::move(prefix);
  watcher->changed = std::move(changed);
  absl::MutexLock lock(&mutex_);
  for (auto at = entries_.lower_bound(watcher->prefix);
       at != entries_.end() && at->first.starts_with(watcher->prefix); ++at) {
    executor_([watcher, key = at->first, entry = at->second] {
      if (!watcher->is_over) watcher->changed(key, entry);
    });
  }
  watchers_.push_back(watcher);
  return std::make_unique<LocalWatch>(std::move(watcher));
}

size_t LocalRegistry::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace longwire
