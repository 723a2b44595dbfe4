#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/common/net.h"

namespace longwire::bench {

// One push: to which session, and what.
struct Push {
  int64_t session_id = 0;
  std::string_view payload;
};

// What a backend saw so far.
struct BackendCounts {
  uint64_t entered = 0;                     // Sessions told.
  uint64_t routed = 0;                      // Messages of clients told.
  uint64_t left = 0;                        // Ends of sessions told.
  uint64_t accepted = 0;                    // Pushes that the server says it took.
  std::map<std::string, uint64_t> refused;  // Pushes that it refused, by reason.

  uint64_t RefusedTotal() const {
    uint64_t total = 0;
    for (const auto& [reason, count] : refused) total += count;
    return total;
  }
};

// The backend's half of the load: it hears of sessions and pushes to them. One for each kind of
// server that is measured; a new peer is a new implementation.
class Backend {
 public:
  virtual ~Backend() = default;

  // The sessions told so far, in that order.
  virtual std::vector<int64_t> Sessions() = 0;

  // Sends one batch. Waits while the one before has not left, which paces the caller to what the
  // connection takes. One thread at a time.
  virtual void Send(std::span<const Push> batch) = 0;

  virtual BackendCounts Counts() = 0;

  // How pushes that were refused are told; called with their number, from any thread. Set it before
  // the first Send().
  virtual void OnRefused(std::function<void(uint64_t)> callback) = 0;
};

// Over the control connection of longwire-bench-raw.
std::unique_ptr<Backend> ConnectRawBackend(const HostPort& control);

// Over gRPC: SubscribeEvents from LATEST and one RouteStream. With `echo` each message of a client
// is sent back to its session, as many in one request as are waiting.
std::unique_ptr<Backend> ConnectGrpcBackend(const std::string& address, bool echo);

}  // namespace longwire::bench
