#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastEchoesSecondsMax = 3;

// Each client keeps `in_flight` messages on their way: for each echo it sends the next.
class Echoer final : public ClientPool::Handler {
 public:
  explicit Echoer(const Options& options)
      : order_(options.sessions),
        next_number_(options.sessions, 1),
        payload_(options.payload_bytes, '.') {}

  void Begin(ClientPool& pool, size_t in_flight) {
    pool_ = &pool;
    for (size_t client = 0; client < pool.size(); ++client) {
      for (size_t i = 0; i < in_flight; ++i) SendNext(client, MonotonicNanos());
      pool.Flush(client);
    }
  }

  void OnMessage(size_t client, std::string_view payload, int64_t now_nanos) override {
    Stamp stamp;
    if (!ReadStamp(payload, stamp)) Die("a client received what was not sent");
    if (payload.size() != payload_.size()) Die("an echo differs in size from what was sent");
    if (payload_.size() >= kPayloadBytesWithNumber) order_.Take(client, stamp.number);
    if (recording) latency.Record(now_nanos - stamp.due_nanos);
    ++received_count;
    if (!ending) SendNext(client, now_nanos);
  }

  uint64_t misordered_count() const { return order_.misordered_count(); }

  bool recording = false;
  bool ending = false;
  Histogram latency;
  uint64_t sent_count = 0;
  uint64_t received_count = 0;

 private:
  void SendNext(size_t client, int64_t now_nanos) {
    WriteStamp({.due_nanos = now_nanos, .number = next_number_[client]++}, payload_.data(),
               payload_.size());
    pool_->Append(client, payload_);
    ++sent_count;
  }

  OrderCheck order_;
  std::vector<uint32_t> next_number_;
  std::string payload_;
  ClientPool* pool_ = nullptr;
};

void AddSetting(Report& report, const Options& options, bool through_backend) {
  report.AddText("mode", options.mode);
  report.AddText("server", options.label);
  report.AddText("path", through_backend ? "through the backend" : "direct");
  report.AddCount("sessions", options.sessions);
  report.AddCount("payload_bytes", options.payload_bytes);
  report.AddCount("in_flight_each", options.in_flight);
}

}  // namespace

Report RunEcho(const Options& options) {
  // The raw server echoes by itself; its control connection has no part in this.
  const bool through_backend = !options.grpc.empty();
  const std::unique_ptr<Backend> backend =
      through_backend ? ConnectBackend(options, /*echo=*/true) : nullptr;
  Echoer echoer(options);
  ClientPool pool(ParseHostPort(options.ws), echoer);
  pool.Open(options.sessions, options.open_seconds_max);
  if (backend != nullptr) AwaitSessions(pool, *backend, options.sessions);

  echoer.Begin(pool, options.in_flight);
  PollFor(pool, options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, echoer.received_count);
  echoer.recording = true;
  PollFor(pool, options.seconds);
  echoer.recording = false;
  const Reading to = Reading::Now(options, pool, echoer.received_count);
  echoer.ending = true;
  PollFor(pool, kLastEchoesSecondsMax, [&] { return echoer.received_count == echoer.sent_count; });

  Report report;
  AddSetting(report, options, through_backend);
  AddReadings(report, from, to);
  report.AddLatency("latency", echoer.latency);
  report.AddCount("sent", echoer.sent_count);
  report.AddCount("received", echoer.received_count);
  if (backend != nullptr) {
    const BackendCounts counts = backend->Counts();
    report.AddCount("refused", counts.RefusedTotal());
    report.AddRefused(counts);
  }
  report.AddCount("lost", echoer.sent_count - echoer.received_count);
  report.AddCount("misordered", echoer.misordered_count());
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
