#pragma once

#include <span>

#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"

namespace longwire::bench {

// Each takes one measurement; each has a file of its own, mode_NAME.cc.
Report RunIdle(const Options& options);
Report RunPush(const Options& options);
Report RunEcho(const Options& options);
Report RunHandshake(const Options& options);
Report RunEvents(const Options& options);
Report RunBroadcast(const Options& options);
Report RunChurn(const Options& options);

struct Mode {
  const char* name;
  const char* help;
  Report (*run)(const Options& options);
};

inline constexpr Mode kModes[] = {
    {"idle", "user memory of an idle session, and whether a push reaches each", RunIdle},
    {"push", "backend -> server -> client: rate, server CPU a push, latency", RunPush},
    {"echo", "client -> server -> backend -> server -> client: the same", RunEcho},
    {"handshake", "connecting until the backend is told: rate, server CPU each", RunHandshake},
    {"events", "client -> server -> subscriber, pipelined: rate, server CPU an event", RunEvents},
    {"broadcast", "one message to all: deliveries a second, server CPU each", RunBroadcast},
    {"churn", "sessions that come and go, messages and pushes, each at a rate", RunChurn},
};

}  // namespace longwire::bench
