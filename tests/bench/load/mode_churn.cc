#include <optional>
#include <random>

#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

constexpr double kLastMessagesSecondsMax = 3;
// How old the list of sessions may be that pushes go to: one that has ended meanwhile is refused,
// as it is with any backend.
constexpr int64_t kSessionsAgeNanosMax = 50'000'000;

// How many of something are due, that happens so often a second.
class Pace {
 public:
  explicit Pace(size_t rate) : rate_(static_cast<double>(rate)) {}

  size_t TakeDue(int64_t since_begin_nanos) {
    const auto due = static_cast<uint64_t>(static_cast<double>(since_begin_nanos) / 1e9 * rate_);
    const uint64_t count = due - done_;
    done_ = due;
    return count;
  }

 private:
  const double rate_;
  uint64_t done_ = 0;
};

// All three kinds of load at once, each at its rate.
class Churn {
 public:
  Churn(ClientPool& pool, Backend& backend, const Options& options)
      : pool_(pool),
        backend_(backend),
        reopens_(options.churn_rate),
        messages_(options.message_rate),
        pushes_(options.rate),
        payload_(options.payload_bytes, '.') {}

  void Run(double seconds) {
    const int64_t end = MonotonicNanos() + static_cast<int64_t>(seconds * 1e9);
    for (int64_t now = MonotonicNanos(); now < end; now = MonotonicNanos()) {
      Reopen(reopens_.TakeDue(now - begin_nanos_));
      SendMessages(messages_.TakeDue(now - begin_nanos_), now);
      Push(pushes_.TakeDue(now - begin_nanos_), now);
      pool_.Poll(1);
    }
  }

  uint64_t reopened_count() const { return reopened_count_; }
  uint64_t sent_count() const { return sent_count_; }
  uint64_t pushed_count() const { return pushed_count_; }

 private:
  // The number of an open client, chosen by chance; nothing when none was found soon.
  std::optional<size_t> AnyOpen() {
    for (int i = 0; i < 8; ++i) {
      const size_t client = random_() % pool_.size();
      if (pool_.is_open(client)) return client;
    }
    return std::nullopt;
  }

  void Reopen(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto client = AnyOpen();
      if (!client) return;
      pool_.Reopen(*client);
      ++reopened_count_;
    }
  }

  void SendMessages(size_t count, int64_t now) {
    for (size_t i = 0; i < count; ++i) {
      const auto client = AnyOpen();
      if (!client) return;
      WriteStamp({.due_nanos = now}, payload_.data(), payload_.size());
      pool_.Append(*client, payload_);
      pool_.Flush(*client);
      ++sent_count_;
    }
  }

  void Push(size_t count, int64_t now) {
    if (now - sessions_as_of_ > kSessionsAgeNanosMax) {
      sessions_ = backend_.Sessions();
      sessions_as_of_ = now;
    }
    if (count == 0 || sessions_.empty()) return;
    WriteStamp({.due_nanos = now}, payload_.data(), payload_.size());
    batch_.clear();
    for (size_t i = 0; i < count; ++i) {
      batch_.push_back({sessions_[random_() % sessions_.size()], payload_});
    }
    backend_.Send(batch_);
    pushed_count_ += count;
  }

  ClientPool& pool_;
  Backend& backend_;
  Pace reopens_, messages_, pushes_;
  std::string payload_;
  std::mt19937 random_{1};
  const int64_t begin_nanos_ = MonotonicNanos();
  std::vector<int64_t> sessions_;
  int64_t sessions_as_of_ = 0;
  std::vector<bench::Push> batch_;
  uint64_t reopened_count_ = 0;
  uint64_t sent_count_ = 0;
  uint64_t pushed_count_ = 0;
};

}  // namespace

Report RunChurn(const Options& options) {
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  if (backend == nullptr) Die("churn needs --grpc or --raw-control");
  // The pushes go to whom chance chooses, without numbers.
  StampReceiver receiver(options.sessions, /*is_ordered=*/false);
  ClientPool pool(options, receiver);
  OpenSessions(pool, backend.get(), options.sessions, options);

  Churn churn(pool, *backend, options);
  churn.Run(options.warmup_seconds);
  const auto operations = [&] {
    return churn.reopened_count() + churn.sent_count() + churn.pushed_count();
  };
  const Reading from = Reading::Now(options, pool, operations());
  receiver.recording = true;
  churn.Run(options.seconds);
  receiver.recording = false;
  const Reading to = Reading::Now(options, pool, operations());
  // Each session is told of once, and each end once: both are waited for. A message is lost with a
  // client that is cut before the server has read it.
  const uint64_t entered = options.sessions + churn.reopened_count();
  const bool all_told = PollFor(pool, kLastMessagesSecondsMax, [&] {
    const BackendCounts counts = backend->Counts();
    return pool.open_count() == pool.size() && counts.entered == entered &&
           counts.left == churn.reopened_count();
  });

  const BackendCounts counts = backend->Counts();
  Report report;
  AddSetting(report, options);
  report.AddCount("churn_rate_asked_per_second", options.churn_rate);
  report.AddCount("message_rate_asked_per_second", options.message_rate);
  report.AddCount("rate_asked_per_second", options.rate);
  AddReadings(report, from, to);
  report.AddLatency("latency", receiver.latency);
  report.AddCount("reopened", churn.reopened_count());
  report.AddCount("pushed", churn.pushed_count());
  report.AddCount("received", receiver.received_count);
  report.AddCount("pushed_to_the_gone", counts.RefusedTotal());
  report.AddCount("events_missing", all_told ? 0 : 1);
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
