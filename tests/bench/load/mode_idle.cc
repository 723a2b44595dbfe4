#include <algorithm>

#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kFillSecondsMax = 60;
constexpr uint64_t kFillUntoldMax = 1000;
constexpr double kReachSecondsMax = 10;
constexpr size_t kReachBatch = 64;

class Counter final : public ClientPool::Handler {
 public:
  void OnMessage(size_t, std::string_view, int64_t) override { ++received_count; }

  uint64_t received_count = 0;
};

struct Step {
  size_t sessions = 0;
  Memory memory;
  Reading reading;  // Operations are sessions opened.
};

// Clients send `count` messages in turn, so that what the server keeps of past events has reached
// its bound and the events of the sessions to come take the place of these.
void FillLog(ClientPool& pool, Backend& backend, const Options& options) {
  const std::string payload(options.payload_bytes, '.');
  uint64_t sent = 0;
  const bool told = PollFor(pool, kFillSecondsMax, [&] {
    const uint64_t routed = backend.Counts().routed;
    for (; sent < options.fill_messages && sent - routed < kFillUntoldMax; ++sent) {
      pool.Append(sent % pool.size(), payload);
      pool.Flush(sent % pool.size());
    }
    return routed >= options.fill_messages;
  });
  if (!told) Die("the messages that fill the log were not told in time");
}

Step OpenTo(size_t sessions, ClientPool& pool, Backend* backend, const Options& options) {
  OpenSessions(pool, backend, sessions, options);
  Step step{.sessions = sessions};
  step.reading = Reading::Now(options, pool, sessions);
  return step;
}

// Pushes one message to each session and returns how many of the clients received it.
uint64_t Reach(ClientPool& pool, Backend& backend, Counter& counter) {
  std::string payload(kPayloadBytesMin, '.');
  WriteStamp({.due_nanos = MonotonicNanos()}, payload.data(), payload.size());
  std::vector<Push> pushes;
  for (const int64_t session : backend.Sessions()) pushes.push_back({session, payload});
  const uint64_t before = counter.received_count;
  for (size_t begin = 0; begin < pushes.size(); begin += kReachBatch) {
    const size_t count = std::min(kReachBatch, pushes.size() - begin);
    backend.Send(std::span(pushes).subspan(begin, count));
    pool.Poll(0);
  }
  PollFor(pool, kReachSecondsMax, [&] { return counter.received_count - before >= pushes.size(); });
  return counter.received_count - before;
}

void AddSteps(Report& report, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    const std::string at = "_at_" + std::to_string(step.sessions);
    report.AddCount("rss_bytes" + at, step.memory.rss_bytes);
    report.AddCount("anonymous_bytes" + at, step.memory.anonymous_bytes);
    report.AddCount("private_bytes" + at, step.memory.private_bytes);
  }
  const Step& low = steps.front();
  const Step& high = steps.back();
  const auto sessions = static_cast<double>(high.sessions - low.sessions);
  if (sessions == 0) return;
  const auto each = [&](uint64_t Memory::*what) {
    return (static_cast<double>(high.memory.*what) - static_cast<double>(low.memory.*what)) /
           sessions;
  };
  report.AddNumber("rss_bytes_each", each(&Memory::rss_bytes));
  report.AddNumber("anonymous_bytes_each", each(&Memory::anonymous_bytes));
  report.AddNumber("private_bytes_each", each(&Memory::private_bytes));
}

}  // namespace

Report RunIdle(const Options& options) {
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  Counter counter;
  ClientPool pool(options, counter);
  std::vector<Step> steps;
  double handshake_cpu_seconds = 0;
  for (const size_t sessions : options.steps) {
    const double cpu_before = CpuSeconds(options.server_pid);
    Step step = OpenTo(sessions, pool, backend.get(), options);
    if (!steps.empty()) {
      handshake_cpu_seconds += step.reading.server_cpu_seconds - cpu_before;
    } else if (!options.grpc.empty() && options.fill_messages != 0) {
      FillLog(pool, *backend, options);
    }
    PollFor(pool, options.settle_seconds);
    step.memory = MemoryOf(options.server_pid);
    steps.push_back(step);
  }

  Report report;
  AddSetting(report, options);
  report.AddCount("sessions", steps.back().sessions);
  AddSteps(report, steps);
  const size_t opened = steps.back().sessions - steps.front().sessions;
  if (opened != 0) {
    report.AddNumber("server_cpu_micros_each_handshake",
                     handshake_cpu_seconds * 1e6 / static_cast<double>(opened));
  }
  const double cpu_before = CpuSeconds(options.server_pid);
  PollFor(pool, options.seconds);
  report.AddNumber("server_core_percent_idle",
                   (CpuSeconds(options.server_pid) - cpu_before) / options.seconds * 100);
  if (backend != nullptr) report.AddCount("reached", Reach(pool, *backend, counter));
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
