#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastBroadcastsSecondsMax = 5;

}  // namespace

Report RunBroadcast(const Options& options) {
  if (options.payload_bytes < kPayloadBytesWithNumber) {
    Die("broadcast needs --payload of at least " + std::to_string(kPayloadBytesWithNumber));
  }
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  if (backend == nullptr) Die("broadcast needs a publisher's address");
  // Broadcasts that are under way at once may overtake one another: they are calls of their own.
  StampReceiver receiver(options.sessions, /*is_ordered=*/options.in_flight == 1);
  ClientPool pool(options, receiver);
  OpenSessions(pool, backend.get(), options.sessions, options);

  // Sends the next one as soon as the last clients of the one `in_flight` before have theirs.
  std::string payload(options.payload_bytes, '.');
  uint32_t sent = 0;
  const auto broadcast_for = [&](double seconds) {
    PollFor(pool, seconds, [&] {
      while (sent * options.sessions - receiver.received_count <=
             (options.in_flight - 1) * options.sessions) {
        WriteStamp({.due_nanos = MonotonicNanos(), .number = ++sent}, payload.data(),
                   payload.size());
        backend->Broadcast(payload);
      }
      return false;
    });
  };
  broadcast_for(options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, receiver.received_count);
  receiver.recording = true;
  broadcast_for(options.seconds);
  receiver.recording = false;
  const Reading to = Reading::Now(options, pool, receiver.received_count);
  const uint64_t expected = uint64_t{sent} * options.sessions;
  PollFor(pool, kLastBroadcastsSecondsMax, [&] { return receiver.received_count == expected; });

  Report report;
  AddSetting(report, options);
  report.AddCount("in_flight", options.in_flight);
  AddReadings(report, from, to);
  report.AddLatency("latency", receiver.latency);
  report.AddCount("sent", expected);
  report.AddCount("received", receiver.received_count);
  report.AddCount("lost", expected - receiver.received_count);
  report.AddCount("misordered", receiver.misordered_count());
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
