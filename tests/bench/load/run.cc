#include "tests/bench/load/run.h"

#include <algorithm>

#include "tests/bench/load/payload.h"
#include "tests/bench/load/process.h"

namespace longwire::bench {
namespace {

constexpr double kAwaitSessionsSecondsMax = 30;
constexpr int kPollMillisMax = 10;

}  // namespace

std::unique_ptr<Backend> ConnectBackend(const Options& options) {
  if (!options.grpc.empty()) {
    const bool is_echo = options.mode == "echo";
    return ConnectGrpcBackend(options.grpc, is_echo         ? GrpcPushes::kEcho
                                            : options.unary ? GrpcPushes::kUnary
                                                            : GrpcPushes::kStream);
  }
  if (!options.raw_control.empty()) return ConnectRawBackend(ParseHostPort(options.raw_control));
  if (!options.nats.empty()) return ConnectNatsBackend(ParseHostPort(options.nats));
  if (!options.nchan.empty()) return ConnectNchanBackend(ParseHostPort(options.nchan));
  return nullptr;
}

bool PollFor(ClientPool& pool, double seconds, const std::function<bool()>& done) {
  const int64_t end = MonotonicNanos() + static_cast<int64_t>(seconds * 1e9);
  for (int64_t now = MonotonicNanos(); now < end; now = MonotonicNanos()) {
    if (done && done()) return true;
    const int64_t millis_left = (end - now) / 1'000'000 + 1;
    pool.Poll(static_cast<int>(std::min<int64_t>(millis_left, kPollMillisMax)));
  }
  return false;
}

namespace {

void AwaitSessions(ClientPool& pool, Backend& backend, size_t count) {
  backend.NoteOpen(pool.open_count());
  const int64_t end = MonotonicNanos() + static_cast<int64_t>(kAwaitSessionsSecondsMax * 1e9);
  // Looked at often: the last to be told are in the time of a handshake.
  while (backend.Counts().entered < count && MonotonicNanos() < end) pool.Poll(1);
  const uint64_t entered = backend.Counts().entered;
  if (entered != count) {
    Die("the backend was told of " + std::to_string(entered) + " sessions, not of " +
        std::to_string(count));
  }
}

}  // namespace

void OpenSessions(ClientPool& pool, Backend* backend, size_t count, const Options& options) {
  pool.Open(count, options.open_seconds_max);
  if (backend != nullptr) AwaitSessions(pool, *backend, count);
}

void StampReceiver::OnMessage(size_t client, std::string_view payload, int64_t now_nanos) {
  Stamp stamp;
  if (!ReadStamp(payload, stamp)) Die("a client received what was not sent");
  if (is_ordered_) order_.Take(client, stamp.number);
  if (recording) latency.Record(now_nanos - stamp.due_nanos);
  ++received_count;
}

void AddSetting(Report& report, const Options& options) {
  report.AddText("mode", options.mode);
  report.AddText("server", options.label);
  // idle goes up in steps.
  report.AddCount("sessions", options.mode == "idle" ? options.steps.back() : options.sessions);
  report.AddCount("payload_bytes", options.payload_bytes);
  report.AddCount("tls", options.tls ? 1 : 0);
}

Reading Reading::Now(const Options& options, const ClientPool& pool, uint64_t operations) {
  return {.nanos = MonotonicNanos(),
          .operations = operations,
          .reads = pool.read_count(),
          .server_cpu_seconds = CpuSeconds(options.server_pid),
          .load_cpu_seconds = OwnCpuSeconds(),
          .machine_cpu_seconds = MachineCpuSeconds()};
}

void AddReadings(Report& report, const Reading& from, const Reading& to) {
  const double seconds = static_cast<double>(to.nanos - from.nanos) / 1e9;
  const auto operations = static_cast<double>(to.operations - from.operations);
  const double server_cpu_seconds = to.server_cpu_seconds - from.server_cpu_seconds;
  report.AddNumber("seconds", seconds);
  report.AddNumber("per_second", operations / seconds);
  report.AddNumber("server_cpu_micros_each",
                   operations > 0 ? server_cpu_seconds * 1e6 / operations : 0);
  const double load_cpu_seconds = to.load_cpu_seconds - from.load_cpu_seconds;
  const double machine_cpu_seconds = to.machine_cpu_seconds - from.machine_cpu_seconds;
  // The machine's count is sampled and the others are exact: the rest may come out below nothing.
  const double others_cpu_seconds =
      std::max(0.0, machine_cpu_seconds - server_cpu_seconds - load_cpu_seconds);
  const auto reads = static_cast<double>(to.reads - from.reads);
  report.AddNumber("operations_each_read", reads > 0 ? operations / reads : 0);
  report.AddNumber("server_core_percent", server_cpu_seconds / seconds * 100);
  report.AddNumber("load_core_percent", load_cpu_seconds / seconds * 100);
  report.AddNumber("others_core_percent", others_cpu_seconds / seconds * 100);
}

}  // namespace longwire::bench
