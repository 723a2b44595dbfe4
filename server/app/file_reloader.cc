#include "server/app/file_reloader.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/limits.h"

namespace longwire {

struct FileReloader::State {
  struct Watched {
    std::string what;
    FileWatch watch;
    Reload reload;
    bool has_failed = false;
  };

  void Run();
  static void Try(Watched& watched, bool is_new);
  bool IsAsked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return is_stopping || asked > served;
  }

  std::vector<Watched> watched;  // Before Start, and then only on the thread.

  absl::Mutex mutex;  // Never held while a file is read.
  bool is_stopping ABSL_GUARDED_BY(mutex) = false;
  bool has_ended ABSL_GUARDED_BY(mutex) = false;
  uint64_t asked ABSL_GUARDED_BY(mutex) = 0;   // ReloadAlls so far,
  uint64_t served ABSL_GUARDED_BY(mutex) = 0;  // and how many of them are done.
};

FileReloader::FileReloader() : state_(std::make_shared<State>()) {}

FileReloader::~FileReloader() {
  if (!thread_.joinable()) return;
  bool has_ended;
  {
    absl::MutexLock lock(&state_->mutex);
    state_->is_stopping = true;
    has_ended = state_->mutex.AwaitWithTimeout(absl::Condition(&state_->has_ended),
                                               absl::Milliseconds(kFileReloadMillisMax));
  }
  if (has_ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void FileReloader::Add(std::string what, FileWatch watch, Reload reload) {
  state_->watched.push_back({std::move(what), std::move(watch), std::move(reload)});
}

void FileReloader::Start() {
  if (state_->watched.empty()) return;
  thread_ = std::thread([state = state_] { state->Run(); });
  pthread_setname_np(thread_.native_handle(), "reloader");
}

void FileReloader::ReloadAll() {
  if (!thread_.joinable()) return;
  absl::MutexLock lock(&state_->mutex);
  const uint64_t mine = ++state_->asked;
  const auto is_served = [this, mine]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex) {
    return state_->served >= mine;
  };
  state_->mutex.AwaitWithTimeout(absl::Condition(&is_served),
                                 absl::Milliseconds(kFileReloadMillisMax));
}

void FileReloader::State::Run() {
  while (true) {
    uint64_t serving;
    bool is_asked;
    {
      absl::MutexLock lock(&mutex);
      mutex.AwaitWithTimeout(absl::Condition(this, &State::IsAsked),
                             absl::Milliseconds(kFileWatchMillis));
      if (is_stopping) {
        has_ended = true;
        return;
      }
      serving = asked;
      is_asked = asked > served;
    }
    for (Watched& one : watched) {
      const bool is_new = one.watch.HasChanged() || is_asked;
      if (is_new || one.has_failed) Try(one, is_new);
    }
    absl::MutexLock lock(&mutex);
    served = serving;
  }
}

void FileReloader::State::Try(Watched& watched, bool is_new) {
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
