#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastEchoesSecondsMax = 3;

// Each client keeps `in_flight` messages on their way: for each echo it sends the next. With a
// rate, the clients send in turn, at that rate, whatever has come back.
class Echoer final : public ClientPool::Handler {
 public:
  explicit Echoer(const Options& options)
      : rate_(options.rate),
        order_(options.sessions),
        next_number_(options.sessions, 1),
        payload_(options.payload_bytes, '.') {}

  void Begin(ClientPool& pool, size_t in_flight) {
    pool_ = &pool;
    begin_nanos_ = MonotonicNanos();
    if (rate_ != 0) return;
    for (size_t client = 0; client < pool.size(); ++client) {
      for (size_t i = 0; i < in_flight; ++i) SendNext(client, MonotonicNanos());
      pool.Flush(client);
    }
  }

  // Serves the clients for so long.
  void Serve(double seconds) {
    if (rate_ == 0) {
      PollFor(*pool_, seconds);
      return;
    }
    const int64_t end = MonotonicNanos() + static_cast<int64_t>(seconds * 1e9);
    for (int64_t now = MonotonicNanos(); now < end; now = MonotonicNanos()) {
      SendDue(now);
      pool_->Poll(1);
    }
  }

  void OnMessage(size_t client, std::string_view payload, int64_t now_nanos) override {
    Stamp stamp;
    if (!ReadStamp(payload, stamp)) Die("a client received what was not sent");
    if (payload.size() != payload_.size()) Die("an echo differs in size from what was sent");
    if (payload_.size() >= kPayloadBytesWithNumber) order_.Take(client, stamp.number);
    if (recording) latency.Record(now_nanos - stamp.due_nanos);
    ++received_count;
    if (!ending && rate_ == 0) SendNext(client, now_nanos);
  }

  uint64_t misordered_count() const { return order_.misordered_count(); }

  bool recording = false;
  bool ending = false;
  Histogram latency;
  uint64_t sent_count = 0;
  uint64_t received_count = 0;

 private:
  // The stamp is the time of the sending itself: that this thread looks only every millisecond is
  // not the server's latency.
  void SendDue(int64_t now_nanos) {
    const auto due = static_cast<uint64_t>(static_cast<double>(now_nanos - begin_nanos_) / 1e9 *
                                           static_cast<double>(rate_));
    while (sent_count < due) {
      const size_t client = sent_count % pool_->size();
      SendNext(client, MonotonicNanos());
      pool_->Flush(client);
    }
  }

  void SendNext(size_t client, int64_t now_nanos) {
    WriteStamp({.due_nanos = now_nanos, .number = next_number_[client]++}, payload_.data(),
               payload_.size());
    pool_->Append(client, payload_);
    ++sent_count;
  }

  const size_t rate_;
  OrderCheck order_;
  std::vector<uint32_t> next_number_;
  std::string payload_;
  ClientPool* pool_ = nullptr;
  int64_t begin_nanos_ = 0;
};

void AddOwnSetting(Report& report, const Options& options, bool through_backend) {
  AddSetting(report, options);
  report.AddText("path", through_backend ? "through the backend" : "direct");
  report.AddCount("in_flight_each", options.in_flight);
  report.AddCount("rate_asked_per_second", options.rate);
}

}  // namespace

Report RunEcho(const Options& options) {
  // The raw server echoes by itself; its control connection has no part in this.
  const bool through_backend = !options.grpc.empty();
  const std::unique_ptr<Backend> backend = through_backend ? ConnectBackend(options) : nullptr;
  Echoer echoer(options);
  ClientPool pool(options, echoer);
  OpenSessions(pool, backend.get(), options.sessions, options);

  echoer.Begin(pool, options.in_flight);
  echoer.Serve(options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, echoer.received_count);
  echoer.recording = true;
  echoer.Serve(options.seconds);
  echoer.recording = false;
  const Reading to = Reading::Now(options, pool, echoer.received_count);
  echoer.ending = true;
  PollFor(pool, kLastEchoesSecondsMax, [&] { return echoer.received_count == echoer.sent_count; });

  Report report;
  AddOwnSetting(report, options, through_backend);
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
