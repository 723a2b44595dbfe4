#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

// Ends the process with the values printed when one of our own invariants is broken, or when the
// machine fails in a way that leaves nothing to run on. Never for bytes that a peer sent: those are
// checked, counted and refused.
#define LONGWIRE_CHECK(condition, ...)                                                 \
  do {                                                                                 \
    if (!(condition)) [[unlikely]] {                                                   \
      fmt::print(stderr, "{}:{}: check failed: {}: ", __FILE__, __LINE__, #condition); \
      fmt::print(stderr, __VA_ARGS__);                                                 \
      fmt::print(stderr, "\n");                                                        \
      std::abort();                                                                    \
    }                                                                                  \
  } while (false)
