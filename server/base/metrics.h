#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "server/base/refusal.h"

namespace longwire {

// A counter that any thread may raise. Relaxed: it is read by people, not by code.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A counter that one thread raises and any may read: no locked instruction on the hot path.
class LoopCounter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Why a client was turned away before it had a session. The label of
// longwire_admission_refusals_total.
enum class AdmissionRefusal : uint8_t {
  kBadRequest,
  kNotFound,
  kUpgradeRequired,
  kExpectation,
  kHeaderTooLarge,
  kHandshakeTimeout,
  kUnauthenticated,
  kForbidden,
  kAuthUnavailable,
  kAuthTimeout,
  kDuplicateLogin,
  kSessionsMax,
  kHandshakesMax,
  kDraining,
  kProtocolError,
  kDescriptors,
  kBusy,
  kTlsHandshake,
  kProxyHeader,
  kOrigin,
  kSessionsPerIpMax,
  kRateLimited,
  kCount,
};
std::string_view AdmissionRefusalLabel(AdmissionRefusal refusal);

inline constexpr size_t kLeaveReasons = 13;  // One more than the largest number of LeaveReason.

// What one loop counts.
struct alignas(64) LoopMetrics {
  LoopCounter connections;  // Sockets open now, also those still in the handshake.
  LoopCounter sessions;     // Sessions live now.
  LoopCounter sessions_entered;
  std::array<LoopCounter, kLeaveReasons> sessions_left;  // By LeaveReason.
  std::array<LoopCounter, static_cast<size_t>(AdmissionRefusal::kCount)> admission_refusals;
  LoopCounter messages_in;
  LoopCounter messages_out;
  LoopCounter bytes_in;
  LoopCounter bytes_out;
  LoopCounter accept_failures;
};

// What the process counts. Readers sum over the loops.
struct Metrics {
  explicit Metrics(size_t loops) {
    for (size_t i = 0; i < loops; ++i) loop.push_back(std::make_unique<LoopMetrics>());
  }

  std::vector<std::unique_ptr<LoopMetrics>> loop;
  std::array<Counter, static_cast<size_t>(Reason::kCount)> refusals;  // Of gRPC calls and routes.
  Counter broadcasts;
  // Sessions that a broadcast reached, or skipped: its outbox was full, or all were together.
  Counter broadcast_reached;
  Counter broadcast_skipped_full;
  Counter broadcast_skipped_total_full;
  Counter gaps_retention;
  Counter gaps_restart;
  Counter events_acked;     // By AckEvents.
  Counter members_expired;  // Of consumer groups, that did not acknowledge in time.
  std::atomic<int64_t> subscribers{0};

  void Refused(Reason reason) { refusals[static_cast<size_t>(reason)].Add(); }
};

}  // namespace longwire
