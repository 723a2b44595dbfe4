#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/auth_provider.h"
#include "server/auth/jwt.h"
#include "server/auth/jwt_keys.h"
#include "server/base/clock.h"

namespace longwire {

struct JwtAuthOptions {
  JwtRules rules;
  std::vector<std::string> files;  // With the keys, see JwtKeys. At least one.
  std::string cookie;              // The cookie that a token may come in. Empty: in none.
  bool is_command = false;         // Clients speak --protocol=command: "auth TOKEN".
};

// --auth=jwt: a client shows a signed token, and the gateway verifies it by itself. Where the token
// is looked for is told in jwt_source.h, what it has to be like in jwt.h. Who is not let in is
// unauthenticated, with the text of the refusal. Answers at once, on the caller's thread, for as
// long as VerifyJwt takes.
class JwtAuthProvider final : public AuthProvider {
 public:
  // Loads the keys, for which it blocks. `clock` has to outlive the provider.
  static absl::StatusOr<std::shared_ptr<JwtAuthProvider>> Create(JwtAuthOptions options,
                                                                 const Clock& clock);

  // Loads the files again. When that fails, all stays as it was, and the error says why. Any
  // thread; blocks for as long as reading does. Who was let in before stays so.
  absl::Status Reload();

  // The keys of the last load that went well. Any thread.
  std::shared_ptr<const JwtKeys> keys() const;

  bool IsAuthRequest(MessageView message) const override;
  bool IsRenewal(MessageView message) const override;
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override;

 private:
  JwtAuthProvider(JwtAuthOptions options, JwtKeys keys, const Clock& clock);

  AuthResult Judge(std::string_view token) const;

  const JwtAuthOptions options_;
  const Clock& clock_;
  mutable absl::Mutex mutex_;  // Held only to read or replace the pointer.
  std::shared_ptr<const JwtKeys> keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace longwire
