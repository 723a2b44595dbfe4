#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/auth_provider.h"
#include "server/base/limits.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/edge/address.h"
#include "server/edge/address_counts.h"
#include "server/edge/handshake.h"
#include "server/edge/http.h"
#include "server/edge/outbox.h"
#include "server/edge/tls_context.h"
#include "server/hub/shard.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

class Connection;

// What the edge goes by. Durations in milliseconds.
struct EdgeOptions {
  HandshakeRules handshake;
  bool auth_at_message = false;
  int64_t handshake_timeout_millis = 0;
  int64_t auth_timeout_millis = 0;
  int64_t keepalive_timeout_millis = 0;  // 0 = for ever.
  int64_t slow_consumer_timeout_millis = 0;
  size_t message_bytes_max = 0;
  size_t outbox_bytes_max = 0;
  size_t sessions_max = 0;
  size_t sessions_per_ip_max = 0;        // 0 = any number.
  uint32_t messages_per_second_max = 0;  // 0 = any number.
  size_t bytes_per_second_max = 0;       // 0 = any number.
  std::vector<AddressRange> trusted_proxies;
};

// Answers a request that is not for WebSocket: health, metrics, the demo page. Nothing = not mine.
// Called on a loop; any of them, at once.
using HttpRoute =
    std::function<std::optional<HttpAnswer>(const HttpRequest&, std::string_view path)>;

// One of the gateway's HTTP ports.
struct HttpPort {
  HttpRoute route;
  bool has_upgrade = false;         // What the route does not answer may be a WebSocket handshake.
  bool has_proxy_header = false;    // Each connection begins with a PROXY header.
  const TlsContext* tls = nullptr;  // Null: plain text.
};

// What the edges of all loops share. Constant but for the atomics.
struct EdgeShared {
  EdgeOptions options;
  AuthProvider& auth;
  const ProtocolProvider& protocol;
  ByteBudget& outbox_budget;
  ByteBudget inbound_budget;  // For messages of which a part has come.
  AddressCounts address_counts{};
  // False once the gateway drains: no new session is let in.
  std::atomic<bool> is_admitting{true};
  // Connections of all loops on the way to a session or in one.
  std::atomic<size_t> connections{0};
};

// Whoever waits for an authentication. On its loop.
class AuthWaiter {
 public:
  virtual ~AuthWaiter() = default;
  virtual void OnAuthResult(AuthResult result) = 0;
};

// The edge of one loop: its connections and what they share. Only that loop's thread calls it.
class Edge {
 public:
  Edge(EdgeShared& shared, Loop& loop, Shard& shard, LoopMetrics& metrics);
  // Cuts every connection that is still there, without a word. REQUIRES: the loop does not run.
  ~Edge();
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // Takes a fresh socket over.
  void Adopt(int fd, const RemoteAddress& remote, const HttpPort& port);
  // Any thread: how many sockets are here or on their way, to choose the edge for the next.
  size_t load() const { return metrics_.connections.value() + adopting_.load(); }
  // Any thread: announces an Adopt, so that a burst of sockets is spread.
  void AnnounceAdopt() { adopting_.fetch_add(1); }

  // Turns away whoever is on the way to a session. REQUIRES: is_admitting is false.
  void EndAdmission();

  EdgeShared& shared() { return shared_; }
  const EdgeOptions& options() const { return shared_.options; }
  Loop& loop() { return loop_; }
  Shard& shard() { return shard_; }
  LoopMetrics& metrics() { return metrics_; }
  int64_t now_millis() const { return loop_.now_millis(); }

  void CountRefusal(AdmissionRefusal reason) {
    metrics_.admission_refusals[static_cast<size_t>(reason)].Add();
  }

  // Asks the AuthProvider. Returns the answer of a provider that has it at once. Otherwise it comes
  // to `waiter` on this loop, in a later turn, unless ForgetAuth was called before. Either is
  // checked against the bounds of AuthProvider.
  [[nodiscard]] std::optional<AuthResult> Authenticate(AuthRequest request, AuthWaiter& waiter);
  // The same, but every answer comes in a later turn: for what a client may ask for again and
  // again, so that others are served in between.
  void AuthenticateLater(AuthRequest request, AuthWaiter& waiter);
  void ForgetAuth(SessionId id) { waiting_for_auth_.erase(id); }

  // Connections, from their making to their end. Remove retires the connection at the turn's end.
  void Add(std::unique_ptr<Connection> connection);
  void Remove(Connection& connection);
  void CountHandshake(int by) { handshakes_ += by; }

  // Has the connection's outbox sent when the turn ends.
  void MarkDirty(Connection& connection) { dirty_.push_back(&connection); }
  // The loop's turn hook.
  void EndTurn();

  // Outboxes are made for what waits and given back when it is sent.
  std::unique_ptr<Outbox> TakeOutbox();
  void GiveOutbox(std::unique_ptr<Outbox> outbox);

  // One for all connections of the loop: what it holds is worked off before the next read.
  std::span<char> read_buffer() { return read_buffer_; }
  // For what TLS makes of one read, and of the part of a record that came before it. Made when it
  // is first asked for.
  std::span<char> plain_buffer();
  std::string& scratch() {
    scratch_.clear();
    return scratch_;
  }

 private:
  // The way back for answers of the AuthProvider, which may come from any thread and after the end.
  struct AuthReturn {
    absl::Mutex mutex;
    Edge* edge ABSL_GUARDED_BY(mutex);
  };
  struct AnswerAtOnce;
  void Ask(AuthRequest request, uint64_t number);
  static void PostAnswer(const std::shared_ptr<AuthReturn>& way, SessionId id, uint64_t number,
                         AuthResult result);

  EdgeShared& shared_;
  Loop& loop_;
  Shard& shard_;
  LoopMetrics& metrics_;
  const std::shared_ptr<AuthReturn> auth_return_;

  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> dirty_;
  std::vector<Connection*> flushing_;
  std::vector<std::unique_ptr<Outbox>> spare_outboxes_;
  struct AuthRequested {
    AuthWaiter* waiter;
    uint64_t number;
  };
  absl::flat_hash_map<SessionId, AuthRequested> waiting_for_auth_;
  uint64_t auth_requests_ = 0;
  size_t handshakes_ = 0;
  std::atomic<size_t> adopting_{0};
  std::string scratch_;
  std::array<char, kReadBufferBytes> read_buffer_;
  std::vector<char> plain_buffer_;
};

}  // namespace longwire
