#include "server/app/file_reloader.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/time/time.h"
#include "server/base/limits.h"

namespace longwire {

FileReloader::~FileReloader() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    is_stopping_ = true;
  }
  thread_.join();
}

void FileReloader::Add(std::string what, std::vector<std::string> files, Reload reload) {
  absl::MutexLock lock(&mutex_);
  watched_.push_back({std::move(what), FileWatch(std::move(files)), std::move(reload)});
}

void FileReloader::Start() {
  {
    absl::MutexLock lock(&mutex_);
    if (watched_.empty()) return;
  }
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "reloader");
}

void FileReloader::Run() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&is_stopping_),
                                  absl::Milliseconds(kFileWatchMillis))) {
    for (Watched& watched : watched_) {
      const bool is_new = watched.watch.HasChanged();
      if (is_new || watched.has_failed) Try(watched, is_new);
    }
  }
}

void FileReloader::ReloadAll() {
  absl::MutexLock lock(&mutex_);
  for (Watched& watched : watched_) {
    watched.watch.HasChanged();
    Try(watched, true);
  }
}

void FileReloader::Try(Watched& watched, bool is_new) {
  const absl::Status status = watched.reload();
  if (status.ok()) {
    spdlog::info("{} was read again and is in use from now on", watched.what);
  } else if (is_new) {
    spdlog::error("{} stays as it was, what is there now cannot be used: {}", watched.what,
                  std::string(status.message()));
  }
  watched.has_failed = !status.ok();
}

}  // namespace longwire
