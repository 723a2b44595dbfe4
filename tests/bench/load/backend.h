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

  // The sessions that are there: told, and their end not told.
  virtual std::vector<int64_t> Sessions() = 0;

  // The first `count` clients are there. A server that tells of no sessions has one for each client
  // by its number, from 1 on; one that tells of them does not need this.
  virtual void NoteOpen(size_t count) { (void)count; }

  // Sends one batch. Waits while the one before has not left, which paces the caller to what the
  // connection takes. One thread at a time.
  virtual void Send(std::span<const Push> batch) = 0;

  // Sends one message to all sessions. One thread at a time. A refusal ends the process.
  virtual void Broadcast(std::string_view payload) = 0;

  virtual BackendCounts Counts() = 0;

  // How pushes that were refused are told; called with their number, from any thread. Set it before
  // the first Send().
  virtual void OnRefused(std::function<void(uint64_t)> callback) = 0;
};

// Over the control connection of longwire-bench-raw, or of what speaks like it
// (peers/ws_server.js).
std::unique_ptr<Backend> ConnectRawBackend(const HostPort& control);

enum class GrpcPushes : uint8_t {
  kStream,  // A batch is a request of one RouteStream.
  kUnary,   // Each push is a Route call. The caller bounds how many are under way.
  kEcho,    // RouteStream, and each message of a client is sent back to its session.
};
// Over gRPC, with SubscribeEvents from LATEST.
std::unique_ptr<Backend> ConnectGrpcBackend(const std::string& address, GrpcPushes pushes);

// To the peers, which tell of no sessions: NATS's own protocol over TCP, and HTTP to nchan.
std::unique_ptr<Backend> ConnectNatsBackend(const HostPort& address);
std::unique_ptr<Backend> ConnectNchanBackend(const HostPort& address);

}  // namespace longwire::bench
