#pragma once

#include <memory>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/base/file.h"

namespace longwire {

// Reads certificates, keys and tokens again when their files change, on a thread of its own: a
// file system may be slow or hang, and neither a loop, nor the courier, nor the end of the process
// may wait for it. What cannot be used is logged once and tried again until it can: a certificate
// is often replaced before its key.
class FileReloader {
 public:
  using Reload = absl::AnyInvocable<absl::Status()>;

  FileReloader();
  // Waits for a file that is being read, but not for one that hangs: then the thread is left alone,
  // with what the Reloads hold.
  ~FileReloader();
  FileReloader(const FileReloader&) = delete;
  FileReloader& operator=(const FileReloader&) = delete;

  // `what` names it in the log: "the certificate for clients". `watch` was made before the files
  // were first read. `reload` is called on the reloader's thread, and has to own what it uses.
  // Before Start.
  void Add(std::string what, FileWatch watch, Reload reload);
  void Start();

  // Any thread: has everything read again, changed or not (SIGHUP). Returns when that is done, or
  // after kFileReloadMillisMax.
  void ReloadAll();

 private:
  struct State;

  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace longwire
