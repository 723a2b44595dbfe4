#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/base/file.h"

namespace longwire {

// Reads certificates, keys and tokens again when their files change, on a thread of its own: a
// file system may be slow, and a loop or the courier must not wait for it. What cannot be used is
// logged once and tried again until it can: a certificate is often replaced before its key.
class FileReloader {
 public:
  using Reload = absl::AnyInvocable<absl::Status()>;

  FileReloader() = default;
  ~FileReloader();
  FileReloader(const FileReloader&) = delete;
  FileReloader& operator=(const FileReloader&) = delete;

  // `what` names it in the log: "the WebSocket certificate". Called on the reloader's thread and in
  // ReloadAll. Before Start.
  void Add(std::string what, std::vector<std::string> files, Reload reload);
  void Start();

  // Any thread: reads everything again, changed or not (SIGHUP).
  void ReloadAll();

 private:
  struct Watched {
    std::string what;
    FileWatch watch;
    Reload reload;
    bool has_failed = false;
  };

  void Run();
  static void Try(Watched& watched, bool is_new);

  absl::Mutex mutex_;
  std::vector<Watched> watched_ ABSL_GUARDED_BY(mutex_);
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace longwire
