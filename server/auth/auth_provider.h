#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "longwire/v1/types.pb.h"
#include "server/core/message.h"
#include "server/core/session_id.h"

namespace longwire {

// What a provider is asked to judge.
struct AuthRequest {
  SessionId session_id = 0;  // The ID the session will have if it is let in.
  // The handshake with all its headers (lower-case names, repeats joined with ", ") and its whole
  // query. Every string is valid UTF-8.
  v1::Enter handshake;
  // The client's message, when asked with --auth-at=message; unset when asked at the handshake.
  std::optional<Message> message;
};

struct AuthAccepted {
  std::string uid;               // 0 to kUidBytesMax bytes of UTF-8; empty = anonymous.
  std::optional<Message> reply;  // Sent to the client before anything else.
  std::map<std::string, std::string> attributes;  // Up to kAttributesBytesMax; shown in ENTER.
  // Until when it holds, in milliseconds since 1970: the session is closed then with 4401. Unset =
  // for ever.
  std::optional<int64_t> expires_at_millis;
  // What the session is in from its ENTER on: up to kTopicsPerSessionMax, each an IsValidName.
  std::vector<std::string> topics;
};

struct AuthRefused {
  enum class Kind : uint8_t {
    kUnauthenticated,  // 401 at the handshake, close code 4401 after it.
    kForbidden,        // 403, 4403
    kUnavailable,      // 503 with Retry-After, 1013: nobody could judge; the client may try again.
  };
  Kind kind = Kind::kUnauthenticated;
  std::string text;  // For the client: the HTTP body, or the close reason (cut to 123 bytes).
};

using AuthResult = std::variant<AuthAccepted, AuthRefused>;

// Decides who a client is. Implement it to bring your own authentication, and hand it to
// Gateway::Start.
//
// An answer that breaks the bounds above counts as kUnavailable and is logged: a broken provider
// must not log anybody out.
class AuthProvider {
 public:
  virtual ~AuthProvider() = default;

  // Is this the message to authenticate with? A client that sends another one first is closed with
  // 4401. Called on an event loop: must not block.
  virtual bool IsAuthRequest(MessageView /*message*/) const { return true; }

  // Is this message of an open session one to authenticate anew with? Then it goes to Authenticate
  // and not to the backends, with a handshake that has no headers and no query any more. Of the
  // answer, expires_at_millis replaces what was before and the reply is sent. Another uid, or a
  // refusal, ends the session with 4401 or 4403; kUnavailable changes nothing. Called on an event
  // loop for every message: must be quick.
  virtual bool IsRenewal(MessageView /*message*/) const { return false; }

  // Judges `request` and calls `done` exactly once, now or later, from any thread. Called on an
  // event loop: must not block; work that takes time goes elsewhere. The gateway stops waiting
  // after --auth-timeout, and a later answer is dropped. `done` may also be called after the
  // gateway has ended; it then does nothing.
  virtual void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) = 0;
};

// --auth=none: everybody is let in, anonymous.
class NoAuthProvider final : public AuthProvider {
 public:
  void Authenticate(AuthRequest, absl::AnyInvocable<void(AuthResult)> done) override {
    done(AuthAccepted{});
  }
};

}  // namespace longwire
