#pragma once

#include <sys/types.h>

#include <cstdint>

namespace longwire::bench {

// What all threads of the process that are there have run so far, from /proc/PID/task/*/schedstat:
// the kernel counts it to the nanosecond, where /proc/PID/stat has ticks of 10 ms. Threads that
// have ended are missing, so the server should have its threads before the measurement. Dies if the
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
