#include "server/app/providers.h"

#include <fmt/format.h>
#include <grpcpp/security/credentials.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "server/app/units.h"
#include "server/auth/grpc_authenticator.h"
#include "server/auth/jwt_authenticator.h"
#include "server/base/file.h"
#include "server/base/limits.h"
#include "server/protocol/command.h"

namespace longwire {
namespace {

using AuthOr = absl::StatusOr<std::shared_ptr<AuthProvider>>;

AuthOr MakeGrpcAuthenticator(const Options& o) {
  auto credentials = grpc::InsecureChannelCredentials();
  if (!o.authenticator_ca.empty()) {
    auto authority = ReadFile(o.authenticator_ca, kCertificateFileBytesMax);
    if (!authority.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("--authenticator-ca: {}", std::string(authority.status().message())));
    }
    credentials = grpc::SslCredentials({.pem_root_certs = *std::move(authority)});
  }
  return std::make_shared<GrpcAuthenticator>(
      GrpcAuthOptions{.address = o.authenticator_address,
                      .credentials = std::move(credentials),
                      .is_command = o.protocol == ProtocolKind::kCommand,
                      .timeout_millis = o.auth_timeout_millis});
}

AuthOr MakeJwtAuthenticator(const Options& o, const Clock& clock, FileReloader& reloader) {
  FileWatch watch(o.jwt_key_files);
  auto jwt = JwtAuthProvider::Create({.rules = {.algorithm = *o.jwt_algorithm,
                                                .uid_claim = o.jwt_uid_claim,
                                                .audience = o.jwt_audience,
                                                .issuer = o.jwt_issuer},
                                      .files = o.jwt_key_files,
                                      .cookie = o.jwt_cookie,
                                      .is_command = o.protocol == ProtocolKind::kCommand},
                                     clock);
  if (!jwt.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--jwt-key-file: {}", std::string(jwt.status().message())));
  }
  if ((*jwt)->keys()->has_short_secret()) {
    spdlog::warn(
        "--jwt-key-file holds a secret of less than 32 bytes, which can be guessed (RFC 7518 3.2); "
        "`openssl rand -hex 32` makes a good one");
  }
  reloader.Add("the keys of tokens (--jwt-key-file)", std::move(watch),
               [provider = *jwt] { return provider->Reload(); });
  return *std::move(jwt);
}

AuthOr MakeAuth(const Options& o, const Clock& clock, FileReloader& reloader) {
  switch (o.auth) {
    case AuthKind::kNone:
      return std::make_shared<NoAuthProvider>();
    case AuthKind::kJwt:
      return MakeJwtAuthenticator(o, clock, reloader);
    case AuthKind::kGrpc:
      return MakeGrpcAuthenticator(o);
  }
  return absl::InternalError("no such AuthKind");
}

}  // namespace

absl::StatusOr<Providers> CompleteProviders(Providers providers, const Options& options,
                                            uint32_t loops, const Clock& clock,
                                            FileReloader& reloader) {
  if (providers.auth == nullptr) {
    auto auth = MakeAuth(options, clock, reloader);
    if (!auth.ok()) return auth.status();
    providers.auth = *std::move(auth);
  }
  if (providers.protocol == nullptr) {
    if (options.protocol == ProtocolKind::kCommand) {
      providers.protocol = std::make_shared<CommandProtocol>();
    } else {
      providers.protocol = std::make_shared<RawProtocol>();
    }
  }
  if (providers.ids == nullptr) {
    providers.ids = std::make_shared<SnowflakeGenerator>(clock, *ParseDay(options.epoch),
                                                         options.node_id, loops);
  }
  return providers;
}

}  // namespace longwire
