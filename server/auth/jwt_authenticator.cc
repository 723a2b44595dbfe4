#include "server/auth/jwt_authenticator.h"

#include <utility>
#include <variant>

#include "server/auth/jwt_source.h"
#include "server/protocol/command.h"

namespace longwire {
namespace {

AuthResult Refuse(JwtRefused refused) {
  return AuthRefused{AuthRefused::Kind::kUnauthenticated, std::move(refused.text)};
}

}  // namespace

absl::StatusOr<std::shared_ptr<JwtAuthProvider>> JwtAuthProvider::Create(JwtAuthOptions options,
                                                                         const Clock& clock) {
  auto keys = JwtKeys::Load(options.rules.algorithm, options.files);
  if (!keys.ok()) return keys.status();
  return std::shared_ptr<JwtAuthProvider>(
      new JwtAuthProvider(std::move(options), *std::move(keys), clock));
}

JwtAuthProvider::JwtAuthProvider(JwtAuthOptions options, JwtKeys keys, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      keys_(std::make_shared<const JwtKeys>(std::move(keys))) {}

absl::Status JwtAuthProvider::Reload() {
  auto loaded = JwtKeys::Load(options_.rules.algorithm, options_.files);
  if (!loaded.ok()) return loaded.status();
  auto keys = std::make_shared<const JwtKeys>(*std::move(loaded));
  const absl::MutexLock lock(&mutex_);
  keys_.swap(keys);
  return absl::OkStatus();
}

std::shared_ptr<const JwtKeys> JwtAuthProvider::keys() const {
  const absl::MutexLock lock(&mutex_);
  return keys_;
}

bool JwtAuthProvider::IsAuthRequest(MessageView message) const {
  return ShowsToken(message, options_.is_command);
}

bool JwtAuthProvider::IsRenewal(MessageView message) const {
  return options_.is_command && IsAuthCommand(message);
}

AuthResult JwtAuthProvider::Judge(std::string_view token) const {
  auto result = VerifyJwt(token, *keys(), options_.rules, clock_.WallMillis());
  if (auto* refused = std::get_if<JwtRefused>(&result)) return Refuse(std::move(*refused));
  auto& claims = std::get<JwtClaims>(result);
  return AuthAccepted{.uid = std::move(claims.uid), .expires_at_millis = claims.expires_at_millis};
}

void JwtAuthProvider::Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) {
  if (request.message) {
    auto found = FindToken(request.message->view(), options_.is_command);
    if (auto* refused = std::get_if<JwtRefused>(&found)) return done(Refuse(std::move(*refused)));
    return done(Judge(std::get<std::string_view>(found)));
  }
  auto found = FindToken(request.handshake, options_.cookie);
  if (auto* refused = std::get_if<JwtRefused>(&found)) return done(Refuse(std::move(*refused)));
  done(Judge(std::get<std::string>(found)));
}

}  // namespace longwire
