#include <algorithm>

#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastEventsSecondsMax = 5;

// The clients in turn, each sending `in_flight` messages in one go, as long as no more than
// `outstanding` are on their way to the subscriber.
class Senders {
 public:
  Senders(ClientPool& pool, Backend& backend, const Options& options)
      : pool_(pool),
        backend_(backend),
        burst_(options.in_flight),
        outstanding_max_(std::max(options.outstanding, options.in_flight)),
        payload_(options.payload_bytes, '.') {}

  void SendFor(double seconds) {
    const int64_t end = MonotonicNanos() + static_cast<int64_t>(seconds * 1e9);
    while (MonotonicNanos() < end) {
      routed_ = backend_.Counts().routed;
      while (sent_ - routed_ + burst_ <= outstanding_max_) SendBurst();
      // Nothing comes to these clients, so this is a nap.
      pool_.Poll(1);
    }
  }

  // Waits for what is on its way.
  void Finish() {
    PollFor(pool_, kLastEventsSecondsMax, [this] {
      routed_ = backend_.Counts().routed;
      return routed_ == sent_;
    });
  }

  uint64_t sent() const { return sent_; }
  uint64_t routed() const { return routed_; }

 private:
  void SendBurst() {
    WriteStamp({.due_nanos = MonotonicNanos()}, payload_.data(), payload_.size());
    for (size_t i = 0; i < burst_; ++i) pool_.Append(next_, payload_);
    pool_.Flush(next_);
    sent_ += burst_;
    next_ = (next_ + 1) % pool_.size();
  }

  ClientPool& pool_;
  Backend& backend_;
  const size_t burst_;
  const size_t outstanding_max_;
  std::string payload_;
  size_t next_ = 0;
  uint64_t sent_ = 0;
  uint64_t routed_ = 0;
};

}  // namespace

// A Gap ends the process (grpc_backend.cc): the subscriber here keeps up, so there must be none.
Report RunEvents(const Options& options) {
  if (options.grpc.empty()) Die("events needs --grpc");
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  IgnoringHandler ignorer;
  ClientPool pool(options, ignorer);
  OpenSessions(pool, backend.get(), options.sessions, options);

  Senders senders(pool, *backend, options);
  senders.SendFor(options.warmup_seconds);
  const Memory memory_before = MemoryOf(options.server_pid);
  const Reading from = Reading::Now(options, pool, senders.routed());
  senders.SendFor(options.seconds);
  const Reading to = Reading::Now(options, pool, senders.routed());
  const Memory memory_after = MemoryOf(options.server_pid);
  senders.Finish();

  Report report;
  AddSetting(report, options);
  report.AddCount("burst", options.in_flight);
  report.AddCount("outstanding_max", options.outstanding);
  AddReadings(report, from, to);
  report.AddCount("rss_bytes_before", memory_before.rss_bytes);
  report.AddCount("rss_bytes_after", memory_after.rss_bytes);
  report.AddCount("sent", senders.sent());
  report.AddCount("received", senders.routed());
  report.AddCount("lost", senders.sent() - senders.routed());
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
