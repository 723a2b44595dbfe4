#include "server/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace longwire {

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  // Without waiting: the path may be of a pipe that nobody writes to.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return absl::NotFoundError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  std::string contents(bytes_max + 1, '\0');
  size_t bytes = 0;
  ssize_t got = 0;
  while (bytes < contents.size() &&
         (got = read(fd, contents.data() + bytes, contents.size() - bytes)) > 0) {
    bytes += static_cast<size_t>(got);
  }
  const int error = errno;
  close(fd);
  if (got < 0) {
    return absl::InvalidArgumentError(
        fmt::format("cannot read {}: {}", path, std::strerror(error)));
  }
  if (bytes > bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("{} has more than {} bytes, which is no such file", path, bytes_max));
  }
  contents.resize(bytes);
  return contents;
}

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)), seen_(Look()) {}

bool FileWatch::HasChanged() {
  std::vector<Stamp> now = Look();
  if (now == seen_) return false;
  seen_ = std::move(now);
  return true;
}

std::vector<FileWatch::Stamp> FileWatch::Look() const {
  std::vector<Stamp> stamps;
  for (const std::string& path : paths_) {
    struct stat found {};
    Stamp& stamp = stamps.emplace_back();
    if (stat(path.c_str(), &found) != 0) continue;
    stamp = {
        .modified_nanos = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec,
        .inode = found.st_ino,
        .bytes = found.st_size};
  }
  return stamps;
}

}  // namespace longwire
