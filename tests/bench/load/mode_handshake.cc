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
  OpenSessions(pool, backend.get(), warm, options);
  PollFor(pool, options.warmup_seconds);
  const Reading from = Reading::Now(options, pool, warm);
  OpenSessions(pool, backend.get(), options.sessions, options);
  const Reading to = Reading::Now(options, pool, options.sessions);

  Report report;
  AddSetting(report, options);
  AddReadings(report, from, to);
  report.AddCount("connections_lost", pool.lost_count());
  return report;
}

}  // namespace longwire::bench
