#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/options.h"
#include "server/auth/auth_provider.h"
#include "server/base/clock.h"
#include "server/core/session_id.h"
#include "server/protocol/protocol_provider.h"

namespace longwire {

// What a user may bring instead of the built-ins. What is left null is made from the options.
struct Providers {
  std::shared_ptr<AuthProvider> auth;
  std::shared_ptr<ProtocolProvider> protocol;
  std::shared_ptr<IdGenerator> ids;
};

// The addresses that are really listened on, as host:port.
struct Endpoints {
  std::string ws;
  std::string grpc;
  std::string admin;  // Empty without an admin listener.
};

// A running gateway: options and providers in, a WebSocket port and a gRPC port out. This is the
// whole face of the library `longwire::gateway`; `longwire-gateway` is a main() around it, and
// server/examples/ is another with providers of its own.
//
//   auto gateway = longwire::Gateway::Start(options, {});
//   if (!gateway.ok()) { ... gateway.status() says which option or port it was ... }
//   ... wait for a signal ...
//   (*gateway)->Drain();
//
// Start, Drain and the destructor are for one thread; the rest is constant.
class Gateway {
 public:
  // Binds all ports and starts the threads; clients and backends are served when it returns.
  // INVALID_ARGUMENT: an option, by name. UNAVAILABLE: a port that cannot be had, and why.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(const Options& options, Providers providers,
                                                        const Clock& clock = Clock::Real());

  // Stops at once: sessions are cut without a word if Drain has not closed them.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  const Endpoints& endpoints() const;

  // Ends the gateway as SIGTERM does: no new session from now on, the sessions closed with 1001
  // over the drain period, each LEAVE delivered to the subscribers, then the streams ended. Blocks
  // for at most delay + period + 5 s.
  void Drain();
  // Any thread: a Drain that is running goes on without its delay and its pace.
  void HurryDrain();

  // Any thread: reads certificates, keys and tokens again now, as SIGHUP does; what cannot be used
  // is logged and stays as it was. Without it they are read within a second or so of their change.
  void ReloadFiles();

 private:
  class Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace longwire
