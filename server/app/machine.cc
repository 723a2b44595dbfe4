#include "server/app/machine.h"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/synchronization/mutex.h"

namespace longwire {

void GiveBackLargeBlocks() {
  constexpr int kLargeBytes = 256 * 1024;
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  // With the line above glibc no longer raises this by itself from 128 KiB, and messages of 64 KiB
  // would go back to the system, and be faulted in again, one by one.
  constexpr int kKeptBytes = 4 * 1024 * 1024;
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
}

void StopSearchForLockCycles() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

size_t MemoryBytes() {
  const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
  size_t bytes = pages * page_bytes;
  // cgroup v2; the file holds "max" where there is no limit, which is not read as a number.
  size_t group_bytes = 0;
  if (std::ifstream("/sys/fs/cgroup/memory.max") >> group_bytes)
    bytes = std::min(bytes, group_bytes);
  return bytes;
}

size_t RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

uint32_t Cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max<uint32_t>(static_cast<uint32_t>(CPU_COUNT(&cores)), 1);
}

}  // namespace longwire
