#pragma once

#include <span>

#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"

namespace longwire::bench {

// Each takes one measurement; each has a file of its own, mode_NAME.cc.
Report RunIdle(const Options& options);
Report RunPush(const Options& options);
Report RunEcho(const Options& options);

struct Mode {
  const char* name;
  const char* help;
  Report (*run)(const Options& options);
};

inline constexpr Mode kModes[] = {
    {"idle", "user memory of an idle session, and whether a push reaches each", RunIdle},
    {"push", "backend -> server -> client: rate, server CPU a push, latency", RunPush},
    {"echo", "client -> server -> backend -> server -> client: the same", RunEcho},
};

}  // namespace longwire::bench
