#pragma once

#include <sys/types.h>

#include <cstdint>

namespace longwire::bench {

// User and system time of all threads of the process so far, also of those that have ended, from
// /proc/PID/stat. The kernel counts it in ticks of 10 ms, so measure over seconds. Dies if the
// process is gone.
double CpuSeconds(pid_t pid);

// The same for this process, to the microsecond.
double OwnCpuSeconds();

// What all cores of the machine have spent so far on anything, from /proc/stat, with what the host
// took for other guests.
double MachineCpuSeconds();

// User memory of a process, from /proc/PID/smaps_rollup: counted page by page at the moment of the
// call, where the counters of /proc/PID/statm may lag behind by some pages a thread. Sockets are
// kernel memory and are not in it.
struct Memory {
  uint64_t rss_bytes = 0;
  uint64_t anonymous_bytes = 0;  // Heap and stacks.
  uint64_t private_bytes = 0;    // What no other process maps, files included.
};
Memory MemoryOf(pid_t pid);

}  // namespace longwire::bench
