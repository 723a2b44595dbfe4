#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/auth/jwt_algorithm.h"
#include "server/hub/uid_directory.h"

namespace longwire {

enum class AuthKind : uint8_t { kNone, kJwt, kGrpc };
enum class AuthAt : uint8_t { kHandshake, kMessage };
enum class ProtocolKind : uint8_t { kRaw, kCommand };
enum class LogFormat : uint8_t { kText, kJson };

// Everything an operator may set. Each field is one row of the table in options.cc, which gives it
// its flag, its environment variable, its key in the config file, its text and its bounds; the
// default is here and nowhere else. Durations are in milliseconds, sizes in bytes.
struct Options {
  // What changes behaviour.

  std::string ws_listen = "127.0.0.1:8080";     // host:port; port 0 = any free one.
  std::string grpc_listen = "127.0.0.1:9090";   // likewise
  std::string admin_listen = "127.0.0.1:9091";  // likewise; empty = no admin listener
  bool grpc_insecure = false;                   // Allows gRPC beyond loopback without protection.
  // PEM files, read again when they change. Empty = plain text.
  std::string ws_tls_cert;
  std::string ws_tls_key;
  std::string grpc_tls_cert;
  std::string grpc_tls_key;
  std::string grpc_client_ca;   // Backends need a certificate of this authority (mTLS).
  std::string grpc_token_file;  // Backends need one of the tokens in this file, one a line.
  bool proxy_protocol = false;  // Each client connection begins with a PROXY header.
  // Addresses and ranges of proxies whose X-Forwarded-For or Forwarded is believed.
  std::vector<std::string> trusted_proxies;
  std::vector<std::string> allowed_origins;  // Of browsers' pages; empty = any.
  std::string ws_path = "/";                 // Upgrades at this path and below it.
  std::vector<std::string> ws_subprotocols;  // Those the gateway speaks, by name.

  AuthKind auth = AuthKind::kNone;
  bool auth_is_explicit = false;  // `none` beyond loopback has to be asked for.
  AuthAt auth_at = AuthAt::kHandshake;
  int64_t auth_timeout_millis = 10'000;
  std::string authenticator_address;  // host:port of the Authenticator service, for --auth=grpc.
  std::string authenticator_ca;       // It is asked over TLS, with a certificate of this authority.
  // For --auth=jwt.
  std::vector<std::string> jwt_key_files;
  std::optional<JwtAlgorithm> jwt_algorithm;  // No default: it decides who is believed.
  std::string jwt_uid_claim = "sub";
  std::string jwt_audience;  // Empty = any.
  std::string jwt_issuer;    // Empty = any.
  std::string jwt_cookie;    // The cookie that may hold the token; empty = none may.

  ProtocolKind protocol = ProtocolKind::kRaw;
  DuplicateLogin duplicate_login = DuplicateLogin::kKickOld;
  bool demo = false;  // Serves the demo page at GET /.

  uint32_t node_id = 0;
  std::string epoch = "2024-01-01";  // A day, UTC. Session IDs count from it; never change it.
  uint32_t event_partitions = 64;    // Of the event log: most members of a group that have work.

  // What bounds the load.

  int64_t handshake_timeout_millis = 5'000;
  int64_t keepalive_timeout_millis = 60'000;  // 0 = for ever.
  int64_t slow_consumer_timeout_millis = 10'000;
  size_t message_bytes_max = 65'536;      // Either way. At most kMessageBytesMaxMax.
  size_t outbox_bytes_max = 1024 * 1024;  // Waiting for one client.
  size_t outbox_total_bytes_max = 0;      // For all clients. 0 = a quarter of memory.
  size_t sessions_max = 0;                // 0 = what the file limit allows.
  size_t sessions_per_ip_max = 0;         // 0 = as many as sessions_max.
  // Of one client: it is closed beyond it. A second's worth may come at once. 0 = any number.
  uint32_t messages_per_second_max = 0;
  size_t bytes_per_second_max = 0;
  size_t event_log_bytes_max = 256 * 1024 * 1024;
  int64_t event_log_age_max_millis = 3'600'000;
  // How long the place of a consumer group without members is kept; never less than the log's age.
  int64_t group_retention_millis = 3'600'000;

  // What changes only speed and operation.

  uint32_t threads = 0;                        // Event loops. 0 = one a core.
  int64_t grpc_connection_age_max_millis = 0;  // 0 = connections are kept.
  int64_t drain_delay_millis = 0;
  int64_t drain_period_millis = 10'000;
  std::string log_level = "info";  // trace, debug, info, warn, error, off
  LogFormat log_format = LogFormat::kText;
};

// Checks what no single field's bounds can: combinations, addresses, exposure beyond loopback. The
// error names the flag to change.
absl::Status ValidateOptions(const Options& options);

// What the command line asked for instead of, or besides, running.
enum class CommandLineResult : uint8_t { kRun, kExitOk, kExitUsage };

// Fills `options` from the flags, the environment (LONGWIRE_WS_LISTEN for --ws-listen) and the file
// that --config names; a flag wins over the environment, which wins over the file. Prints help, the
// version or the usage error itself. An unknown flag or key is an error.
CommandLineResult ParseCommandLine(int argc, const char* const* argv, Options& options);

}  // namespace longwire
