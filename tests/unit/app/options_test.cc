#include "server/app/options.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "server/base/clock.h"
#include "server/base/limits.h"
#include "server/core/session_id.h"

namespace longwire {
namespace {

using Change = std::function<void(Options&)>;

// The message that refuses the changed options; empty when they are valid.
std::string RefusalOf(const Change& change) {
  Options options;
  change(options);
  const absl::Status status = ValidateOptions(options);
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

// What --auth=jwt cannot do without.
void UseJwt(Options& o) {
  o.auth = AuthKind::kJwt;
  o.jwt_algorithm = JwtAlgorithm::kEs256;
  o.jwt_key_files = {"keys.pem"};
}

TEST(ValidateOptions, TheDefaultsAreValid) {
  EXPECT_EQ(RefusalOf([](Options&) {}), "");
}

TEST(ValidateOptions, EveryRefusalNamesTheFlagToChange) {
  struct Row {
    const char* flag;
    Change change;
  };
  constexpr int64_t kDay = 24 * 3'600'000;
  const Row rows[] = {
      {"--handshake-timeout", [](auto& o) { o.handshake_timeout_millis = 49; }},
      {"--handshake-timeout", [](auto& o) { o.handshake_timeout_millis = kDay + 1; }},
      {"--auth-timeout", [](auto& o) { o.auth_timeout_millis = 0; }},
      {"--auth-timeout", [](auto& o) { o.auth_timeout_millis = kDay + 1; }},
      {"--keepalive-timeout", [](auto& o) { o.keepalive_timeout_millis = -1; }},
      {"--keepalive-timeout", [](auto& o) { o.keepalive_timeout_millis = kDay + 1; }},
      {"--slow-consumer-timeout", [](auto& o) { o.slow_consumer_timeout_millis = 0; }},
      {"--message-bytes-max", [](auto& o) { o.message_bytes_max = 0; }},
      {"--message-bytes-max", [](auto& o) { o.message_bytes_max = kMessageBytesMaxMax + 1; }},
      {"--message-bytes-max", [](auto& o) { o.message_bytes_max = SIZE_MAX; }},
      {"--outbox-bytes-max", [](auto& o) { o.outbox_bytes_max = 1'023; }},
      {"--outbox-bytes-max", [](auto& o) { o.outbox_bytes_max = (size_t{1} << 30) + 1; }},
      {"--outbox-bytes-max", [](auto& o) { o.message_bytes_max = o.outbox_bytes_max = 100'000; }},
      {"--outbox-total-bytes-max",
       [](auto& o) { o.outbox_total_bytes_max = o.outbox_bytes_max - 1; }},
      {"--event-log-bytes-max", [](auto& o) { o.event_log_bytes_max = 64 * 1024 - 1; }},
      {"--event-log-age-max", [](auto& o) { o.event_log_age_max_millis = 999; }},
      {"--event-log-age-max", [](auto& o) { o.event_log_age_max_millis = 366 * kDay; }},
      {"--grpc-connection-age-max", [](auto& o) { o.grpc_connection_age_max_millis = -1; }},
      {"--drain-delay", [](auto& o) { o.drain_delay_millis = kDay + 1; }},
      {"--drain-period", [](auto& o) { o.drain_period_millis = kDay + 1; }},
      {"--threads", [](auto& o) { o.threads = kShardsMax + 1; }},
      {"--node-id", [](auto& o) { o.node_id = kNodeIdMax + 1; }},
      {"--ws-path", [](auto& o) { o.ws_path = "ws"; }},
      {"--ws-path", [](auto& o) { o.ws_path = ""; }},
      {"--ws-subprotocols",
       [](auto& o) {
         o.ws_subprotocols = {"chat", "no good"};
       }},
      {"--ws-subprotocols", [](auto& o) { o.ws_subprotocols = {""}; }},
      {"--ws-subprotocols", [](auto& o) { o.ws_subprotocols = {"a,b"}; }},
      {"--ws-subprotocols", [](auto& o) { o.ws_subprotocols = {"a\r\nSet-Cookie: b"}; }},
      {"--ws-subprotocols", [](auto& o) { o.ws_subprotocols.assign(256, "chat"); }},
      {"--authenticator-address", [](auto& o) { o.auth = AuthKind::kGrpc; }},
      {"--authenticator-address", [](auto& o) { o.authenticator_address = "127.0.0.1:1"; }},
      {"--log-level", [](auto& o) { o.log_level = "loud"; }},
      {"--epoch", [](auto& o) { o.epoch = "yesterday"; }},
      {"--epoch", [](auto& o) { o.epoch = "2200-01-01"; }},
      {"--epoch", [](auto& o) { o.epoch = "1900-01-01"; }},
      {"--ws-listen", [](auto& o) { o.ws_listen = "127.0.0.1"; }},
      {"--grpc-listen", [](auto& o) { o.grpc_listen = "127.0.0.1:nine"; }},
      {"--admin-listen", [](auto& o) { o.admin_listen = "9091"; }},
      {"--auth", [](auto& o) { o.ws_listen = "0.0.0.0:8080"; }},
      {"--ws-listen", [](auto& o) { o.ws_listen = "[::]:8080"; }},
      {"--ws-listen", [](auto& o) { o.ws_listen = ":8080"; }},
      {"--grpc-insecure", [](auto& o) { o.grpc_listen = "0.0.0.0:9090"; }},
      {"--grpc-token-file", [](auto& o) { o.grpc_listen = "0.0.0.0:9090"; }},
      {"--auth=jwt", [](auto& o) { o.ws_listen = "0.0.0.0:8080"; }},
      {"--ws-tls-key", [](auto& o) { o.ws_tls_cert = "cert.pem"; }},
      {"--ws-tls-cert", [](auto& o) { o.ws_tls_key = "key.pem"; }},
      {"--grpc-tls-key", [](auto& o) { o.grpc_tls_cert = "cert.pem"; }},
      {"--grpc-tls-cert", [](auto& o) { o.grpc_client_ca = "ca.pem"; }},
      {"--authenticator-ca", [](auto& o) { o.authenticator_ca = "ca.pem"; }},
      {"--jwt-key-file", [](auto& o) { UseJwt(o), o.jwt_key_files.clear(); }},
      {"--jwt-algorithm", [](auto& o) { UseJwt(o), o.jwt_algorithm.reset(); }},
      {"--jwt-uid-claim", [](auto& o) { UseJwt(o), o.jwt_uid_claim = ""; }},
      {"--jwt-cookie",
       [](auto& o) { UseJwt(o), o.jwt_cookie = "a b", o.allowed_origins = {"https://a.example"}; }},
      {"--allowed-origins", [](auto& o) { UseJwt(o), o.jwt_cookie = "session"; }},
      {"--allowed-origins",
       [](auto& o) {
         UseJwt(o), o.jwt_cookie = "session", o.allowed_origins = {"https://a.example", "*"};
       }},
      {"--auth=jwt", [](auto& o) { o.jwt_issuer = "us"; }},
      {"--auth=jwt", [](auto& o) { o.jwt_key_files = {"keys.pem"}; }},
      {"--allowed-origins", [](auto& o) { o.allowed_origins = {"app.example.com"}; }},
      {"--trusted-proxies", [](auto& o) { o.trusted_proxies = {"10.0.0.0/33"}; }},
      {"--trusted-proxies", [](auto& o) { o.trusted_proxies = {"proxy.example.com"}; }},
      {"--bytes-per-second-max", [](auto& o) { o.bytes_per_second_max = size_t{5} << 30; }},
  };
  for (const Row& row : rows) {
    const std::string refusal = RefusalOf(row.change);
    EXPECT_NE(refusal, "") << row.flag << " should have been refused";
    EXPECT_NE(refusal.find(row.flag), std::string::npos) << refusal;
  }
}

TEST(ValidateOptions, TheBoundsThemselvesAreValid) {
  const Change rows[] = {
      [](auto& o) { o.keepalive_timeout_millis = 0; },
      [](auto& o) { o.message_bytes_max = kMessageBytesMaxMax; },
      [](auto& o) { o.message_bytes_max = 1, o.outbox_bytes_max = 1'024; },
      [](auto& o) { o.outbox_total_bytes_max = o.outbox_bytes_max; },
      [](auto& o) { o.event_log_bytes_max = 64 * 1024; },
      [](auto& o) { o.threads = kShardsMax; },
      [](auto& o) { o.node_id = kNodeIdMax; },
      [](auto& o) { o.drain_period_millis = 0; },
      [](auto& o) {
        o.ws_subprotocols = {"chat.v1", "mqtt"};
      },
      [](auto& o) { o.ws_subprotocols.assign(255, "chat"); },
      [](auto& o) { o.admin_listen = ""; },
      [](auto& o) { o.ws_listen = "127.0.0.1:0"; },
      [](auto& o) { o.ws_listen = "[::1]:8080"; },
      [](auto& o) { o.auth = AuthKind::kGrpc, o.authenticator_address = "127.0.0.1:1"; },
      UseJwt,
      [](auto& o) {
        UseJwt(o), o.jwt_cookie = "session", o.allowed_origins = {"https://*.example.com"};
      },
      [](auto& o) { o.ws_tls_cert = "cert.pem", o.ws_tls_key = "key.pem"; },
      [](auto& o) {
        o.grpc_tls_cert = "cert.pem", o.grpc_tls_key = "key.pem", o.grpc_client_ca = "ca.pem";
      },
      [](auto& o) {
        o.trusted_proxies = {"10.0.0.0/8", "2001:db8::1"};
      },
  };
  for (const Change& change : rows) EXPECT_EQ(RefusalOf(change), "");
}

TEST(ValidateOptions, BeyondLoopbackWhatAllowsItIsTakenAtItsWord) {
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.ws_listen = "0.0.0.0:8080";
              o.auth_is_explicit = true;
            }),
            "");
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.ws_listen = "0.0.0.0:8080";
              o.auth = AuthKind::kGrpc;
              o.authenticator_address = "127.0.0.1:1";
            }),
            "");
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.grpc_listen = "0.0.0.0:9090";
              o.grpc_insecure = true;
            }),
            "");
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.grpc_listen = "0.0.0.0:9090";
              o.grpc_token_file = "tokens";
            }),
            "");
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.grpc_listen = "0.0.0.0:9090";
              o.grpc_tls_cert = "cert.pem";
              o.grpc_tls_key = "key.pem";
            }),
            "");
  EXPECT_EQ(RefusalOf([](Options& o) {
              o.ws_listen = "0.0.0.0:8080";
              UseJwt(o);
            }),
            "");
}

TEST(ValidateOptions, ARefusalOfABoundSaysTheBoundsInTheUnitsOfTheFlag) {
  EXPECT_EQ(RefusalOf([](Options& o) { o.handshake_timeout_millis = 10; }),
            "--handshake-timeout is 10ms: it has to be from 50ms to 24h");
  EXPECT_EQ(RefusalOf([](Options& o) { o.message_bytes_max = size_t{2} << 20; }),
            "--message-bytes-max is 2MiB: it has to be from 1B to 992KiB");
  EXPECT_EQ(RefusalOf([](Options& o) { o.node_id = 1024; }),
            "--node-id is 1024: it has to be from 0 to 1023");
}

}  // namespace
}  // namespace longwire
