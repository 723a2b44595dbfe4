#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace longwire {

// All of a small file. NOT_FOUND or INVALID_ARGUMENT says which file and why: it cannot be read, or
// has more than `bytes_max`.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

// Tells whether files have been replaced or written since they were last looked at, by what stat()
// says of them. Links are followed, so a secret that is swapped by a link, as Kubernetes does it,
// is seen too. One thread.
class FileWatch {
 public:
  // The files as they are now count as seen: construct it before they are read.
  explicit FileWatch(std::vector<std::string> paths);

  bool HasChanged();

 private:
  struct Stamp {
    int64_t modified_nanos = 0;
    ino_t inode = 0;
    off_t bytes = -1;  // -1: not there.
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> Look() const;

  std::vector<std::string> paths_;
  std::vector<Stamp> seen_;
};

}  // namespace longwire
