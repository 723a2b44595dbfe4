#include "tests/bench/load/credit.h"
#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/publisher.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastPushesSecondsMax = 3;

// Gives the publisher its credit back.
class PushReceiver final : public StampReceiver {
 public:
  PushReceiver(size_t sessions, bool numbered, Credit& credit)
      : StampReceiver(sessions, numbered), credit_(credit) {}

  void OnPassEnd() override {
    if (received_count != credited_count_) credit_.Give(received_count - credited_count_);
    credited_count_ = received_count;
  }

 private:
  Credit& credit_;
  uint64_t credited_count_ = 0;
};

void AddOwnSetting(Report& report, const Options& options) {
  AddSetting(report, options);
  report.AddCount("batch_routes", options.batch);
  report.AddText("call", options.unary ? "Route" : "RouteStream");
  report.AddCount("rate_asked_per_second", options.rate);
  report.AddCount("outstanding_max", options.outstanding);
}

}  // namespace

Report RunPush(const Options& options) {
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  if (backend == nullptr) Die("push needs --grpc or --raw-control");
  Credit credit(options.outstanding);
  backend->OnRefused([&](uint64_t count) { credit.Give(count); });
  PushReceiver receiver(options.sessions, options.payload_bytes >= kPayloadBytesWithNumber, credit);
  ClientPool pool(options, receiver);
  OpenSessions(pool, backend.get(), options.sessions, options);

  Publisher publisher(*backend, credit, backend->Sessions(), options);
  PollFor(pool, options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, receiver.received_count);
  receiver.recording = true;
  PollFor(pool, options.seconds);
  receiver.recording = false;
  const Reading to = Reading::Now(options, pool, receiver.received_count);
  publisher.Stop();
  // What is still on its way counts neither for the rate nor as lost.
  PollFor(pool, kLastPushesSecondsMax, [&] { return credit.Outstanding() == 0; });

  // The credit is gone before the backend is.
  backend->OnRefused(nullptr);
  const BackendCounts counts = backend->Counts();
  Report report;
  AddOwnSetting(report, options);
  AddReadings(report, from, to);
  report.AddLatency("latency", receiver.latency);
  report.AddCount("sent", publisher.sent_count());
  report.AddCount("received", receiver.received_count);
  report.AddCount("refused", counts.RefusedTotal());
  report.AddRefused(counts);
  report.AddCount("lost", credit.Outstanding());
  report.AddCount("misordered", receiver.misordered_count());
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
