#include "server/app/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "server/app/units.h"
#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/core/session_id.h"
#include "server/edge/address.h"
#include "server/edge/origin.h"

namespace longwire {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}
// Debian's Abseil has a string_view of its own, which fmt does not know.
std::string Why(const absl::Status& status) {
  return std::string(status.message());
}

absl::Status Within(const char* flag, int64_t value, int64_t min, int64_t max,
                    std::string (*format)(int64_t)) {
  if (value >= min && value <= max) return absl::OkStatus();
  return Invalid(fmt::format("{} is {}: it has to be from {} to {}", flag, format(value),
                             format(min), format(max)));
}

std::string FormatBytes(int64_t bytes) {
  return FormatSize(static_cast<size_t>(bytes));
}
std::string FormatCount(int64_t count) {
  return fmt::format("{}", count);
}

absl::Status CheckBounds(const Options& o) {
  constexpr int64_t kDay = 24 * 3'600'000;
  constexpr int64_t kGiB = int64_t{1} << 30;
  const std::array checks = {
      Within("--handshake-timeout", o.handshake_timeout_millis, 50, kDay, FormatDuration),
      Within("--auth-timeout", o.auth_timeout_millis, 50, kDay, FormatDuration),
      Within("--keepalive-timeout", o.keepalive_timeout_millis, 0, kDay, FormatDuration),
      Within("--slow-consumer-timeout", o.slow_consumer_timeout_millis, 50, kDay, FormatDuration),
      Within("--message-bytes-max", static_cast<int64_t>(o.message_bytes_max), 1,
             kMessageBytesMaxMax, FormatBytes),
      Within("--outbox-bytes-max", static_cast<int64_t>(o.outbox_bytes_max), 1024, kGiB,
             FormatBytes),
      Within("--bytes-per-second-max", static_cast<int64_t>(o.bytes_per_second_max), 0, 4 * kGiB,
             FormatBytes),
      Within("--event-log-bytes-max", static_cast<int64_t>(o.event_log_bytes_max), 64 * 1024,
             1024 * kGiB, FormatBytes),
      Within("--event-log-age-max", o.event_log_age_max_millis, 1'000, 365 * kDay, FormatDuration),
      Within("--group-retention", o.group_retention_millis, 0, 365 * kDay, FormatDuration),
      Within("--grpc-connection-age-max", o.grpc_connection_age_max_millis, 0, 365 * kDay,
             FormatDuration),
      Within("--drain-delay", o.drain_delay_millis, 0, kDay, FormatDuration),
      Within("--drain-period", o.drain_period_millis, 0, kDay, FormatDuration),
      Within("--event-partitions", o.event_partitions, 1, kPartitionsMax, FormatCount),
      Within("--threads", o.threads, 0, kShardsMax, FormatCount),
      Within("--node-id", o.node_id, 0, kNodeIdMax, FormatCount),
  };
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

// RFC 9110 5.6.2.
constexpr char kTokenCharacters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

absl::Status CheckCombinations(const Options& o) {
  if (o.message_bytes_max + 16 > o.outbox_bytes_max) {
    return Invalid(fmt::format(
        "--outbox-bytes-max ({}) is too small for one message of --message-bytes-max ({})",
        FormatSize(o.outbox_bytes_max), FormatSize(o.message_bytes_max)));
  }
  if (o.outbox_total_bytes_max != 0 && o.outbox_total_bytes_max < o.outbox_bytes_max) {
    return Invalid(fmt::format("--outbox-total-bytes-max ({}) is less than --outbox-bytes-max ({})",
                               FormatSize(o.outbox_total_bytes_max),
                               FormatSize(o.outbox_bytes_max)));
  }
  if (!o.ws_path.starts_with('/')) return Invalid("--ws-path has to begin with /");
  // RFC 6455 4.1: a token of HTTP. The number is one byte of each session.
  if (o.ws_subprotocols.size() > 255) return Invalid("--ws-subprotocols: at most 255");
  for (const std::string& name : o.ws_subprotocols) {
    if (name.empty() || name.find_first_not_of(kTokenCharacters) != std::string::npos) {
      return Invalid(fmt::format("--ws-subprotocols: \"{}\" is no HTTP token", name));
    }
  }
  if (o.auth == AuthKind::kGrpc && o.authenticator_address.empty()) {
    return Invalid("--auth=grpc needs --authenticator-address");
  }
  if (o.auth != AuthKind::kGrpc && !o.authenticator_address.empty()) {
    return Invalid("--authenticator-address is only used with --auth=grpc");
  }
  static constexpr std::array kLevels = {"trace", "debug", "info", "warn", "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), o.log_level) == kLevels.end()) {
    return Invalid(fmt::format(
        "--log-level: \"{}\" is none of trace, debug, info, warn, error, off", o.log_level));
  }
  return absl::OkStatus();
}

// A certificate is of no use without its key, nor is a key without its certificate.
absl::Status CheckTlsPair(const char* cert_flag, const std::string& cert, const char* key_flag,
                          const std::string& key) {
  if (cert.empty() == key.empty()) return absl::OkStatus();
  return Invalid(fmt::format("{} needs {} beside it", cert.empty() ? key_flag : cert_flag,
                             cert.empty() ? cert_flag : key_flag));
}

absl::Status CheckTls(const Options& o) {
  for (const absl::Status& status :
       {CheckTlsPair("--ws-tls-cert", o.ws_tls_cert, "--ws-tls-key", o.ws_tls_key),
        CheckTlsPair("--grpc-tls-cert", o.grpc_tls_cert, "--grpc-tls-key", o.grpc_tls_key)}) {
    if (!status.ok()) return status;
  }
  if (!o.grpc_client_ca.empty() && o.grpc_tls_cert.empty()) {
    return Invalid("--grpc-client-ca needs --grpc-tls-cert and --grpc-tls-key beside it");
  }
  if (!o.authenticator_ca.empty() && o.auth != AuthKind::kGrpc) {
    return Invalid("--authenticator-ca is only used with --auth=grpc");
  }
  return absl::OkStatus();
}

absl::Status CheckJwt(const Options& o) {
  if (o.auth != AuthKind::kJwt) {
    const bool has_any = !o.jwt_key_files.empty() || o.jwt_algorithm || !o.jwt_audience.empty() ||
                         !o.jwt_issuer.empty() || !o.jwt_cookie.empty();
    return has_any ? Invalid("the --jwt options are only used with --auth=jwt") : absl::OkStatus();
  }
  if (o.jwt_key_files.empty()) return Invalid("--auth=jwt needs --jwt-key-file");
  if (!o.jwt_algorithm) {
    return Invalid("--auth=jwt needs --jwt-algorithm: the one that your tokens are signed with");
  }
  if (o.jwt_uid_claim.empty()) return Invalid("--jwt-uid-claim must not be empty");
  if (o.jwt_cookie.find_first_not_of(kTokenCharacters) != std::string::npos) {
    return Invalid(fmt::format("--jwt-cookie: \"{}\" is no name of a cookie", o.jwt_cookie));
  }
  return absl::OkStatus();
}

// Who may be believed about where a client is.
absl::Status CheckClients(const Options& o) {
  for (const std::string& proxy : o.trusted_proxies) {
    const auto range = AddressRange::Parse(proxy);
    if (!range.ok()) return Invalid(fmt::format("--trusted-proxies: {}", Why(range.status())));
  }
  const auto origins = OriginPatterns::Parse(o.allowed_origins);
  if (!origins.ok()) return Invalid(fmt::format("--allowed-origins: {}", Why(origins.status())));
  if (!o.jwt_cookie.empty() && origins->allows_any()) {
    return Invalid(
        "--jwt-cookie needs --allowed-origins: a browser sends the cookie from every page, so "
        "any site could open a session as its visitor (cross-site WebSocket hijacking)");
  }
  return absl::OkStatus();
}

absl::Status CheckEpoch(const Options& o) {
  const auto epoch = ParseDay(o.epoch);
  if (!epoch.ok()) return Invalid(fmt::format("--epoch: {}", Why(epoch.status())));
  const int64_t age = Clock::Real().WallMillis() - *epoch;
  if (age < 0) return Invalid(fmt::format("--epoch {} lies in the future", o.epoch));
  if (age >> kTimeBits != 0) {
    return Invalid(fmt::format("--epoch {} is too long ago: IDs have room for 69 years", o.epoch));
  }
  return absl::OkStatus();
}

absl::Status CheckExposure(const Options& o) {
  const auto ws = ParseListenAddress(o.ws_listen);
  if (!ws.ok()) return Invalid(fmt::format("--ws-listen: {}", Why(ws.status())));
  const auto grpc = ParseListenAddress(o.grpc_listen);
  if (!grpc.ok()) return Invalid(fmt::format("--grpc-listen: {}", Why(grpc.status())));
  if (!o.admin_listen.empty()) {
    const auto admin = ParseListenAddress(o.admin_listen);
    if (!admin.ok()) return Invalid(fmt::format("--admin-listen: {}", Why(admin.status())));
  }
  if (!ws->is_loopback && o.auth == AuthKind::kNone && !o.auth_is_explicit) {
    return Invalid(
        fmt::format("--ws-listen {} is open to other machines and nobody would be asked who "
                    "they are: choose --auth=jwt or --auth=grpc, or say --auth=none",
                    o.ws_listen));
  }
  const bool is_grpc_protected = !o.grpc_tls_cert.empty() || !o.grpc_token_file.empty();
  if (!grpc->is_loopback && !is_grpc_protected && !o.grpc_insecure) {
    return Invalid(fmt::format(
        "--grpc-listen {} is open to other machines without any protection: set --grpc-token-file, "
        "--grpc-tls-cert or --grpc-client-ca, listen on loopback, or say --grpc-insecure on a "
        "network that you trust",
        o.grpc_listen));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateOptions(const Options& options) {
  for (const auto check : {CheckBounds, CheckCombinations, CheckTls, CheckJwt, CheckClients,
                           CheckEpoch, CheckExposure}) {
    if (const absl::Status status = check(options); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace longwire
