#include "tests/bench/load/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/bench/common/net.h"

namespace longwire::bench {
namespace {

std::ifstream OpenProc(pid_t pid, const char* name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  std::ifstream file(path);
  if (!file) Die("cannot read " + path + ": is the server still running?");
  return file;
}

}  // namespace

double CpuSeconds(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  double seconds = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    // Of one thread: nanoseconds that it ran, that it waited to run, and how often it ran.
    std::ifstream file(task.path() / "schedstat");
    uint64_t ran_nanos = 0;
    if (file >> ran_nanos) seconds += static_cast<double>(ran_nanos) / 1e9;
  }
  if (error || seconds == 0) Die("cannot read " + tasks + ": is the server still running?");
  return seconds;
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
  return seconds + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double MachineCpuSeconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  uint64_t user, nice, system, idle, io_wait, irq, soft_irq, steal;
  if (!(file >> name >> user >> nice >> system >> idle >> io_wait >> irq >> soft_irq >> steal)) {
    Die("cannot understand /proc/stat");
  }
  return static_cast<double>(user + nice + system + irq + soft_irq + steal) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
}

Memory MemoryOf(pid_t pid) {
  std::ifstream file = OpenProc(pid, "smaps_rollup");
  Memory memory;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    uint64_t kilobytes = 0;
    if (!(fields >> name >> kilobytes)) continue;
    if (name == "Rss:") memory.rss_bytes = kilobytes * 1024;
    if (name == "Anonymous:") memory.anonymous_bytes = kilobytes * 1024;
    if (name == "Private_Clean:" || name == "Private_Dirty:") {
      memory.private_bytes += kilobytes * 1024;
    }
  }
  if (memory.rss_bytes == 0) Die("cannot understand /proc/PID/smaps_rollup");
  return memory;
}

}  // namespace longwire::bench
