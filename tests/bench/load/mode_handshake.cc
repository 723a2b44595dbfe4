#include "tests/bench/load/modes.h"
#include "tests/bench/load/run.h"

namespace longwire::bench {
namespace {

// Enough for the server to have made what it makes once.
constexpr size_t kWarmSessions = 500;

}  // namespace

Report RunHandshake(const Options& options) {
  const std::unique_ptr<Backend> backend = ConnectBackend(options);
  IgnoringHandler ignorer;
  ClientPool pool(options, ignorer);
  const size_t warm = std::min(kWarmSessions, options.sessions / 2);
  const auto open_to = [&](size_t count) {
    pool.Open(count, options.open_seconds_max);
    if (backend != nullptr) AwaitSessions(pool, *backend, count);
  };
  open_to(warm);
  PollFor(pool, options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, warm);
  open_to(options.sessions);
  const Reading to = Reading::Now(options, pool, options.sessions);

  Report report;
  AddSetting(report, options);
  AddReadings(report, from, to);
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
