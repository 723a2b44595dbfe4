// How an open session authenticates anew before its authentication ends, without a new connection:
// the client sends a message that the AuthProvider takes for one, and the provider judges it.
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "server/base/limits.h"
#include "server/edge/session.h"

namespace longwire {

void Session::Renew(MessageView message) {
  state_ = State::kRenewing;
  admission_ = std::make_unique<Admission>();
  SetReading(false);
  received_or_deadline_millis_ = edge().now_millis() + edge().options().auth_timeout_millis;
  ScheduleNext();
  // Headers and query are not kept beyond ENTER.
  v1::Session described;
  Describe(described);
  v1::Enter handshake;
  handshake.set_remote_address(described.remote_address());
  handshake.set_path(described.path());
  handshake.set_subprotocol(described.subprotocol());
  *handshake.mutable_attributes() = described.attributes();
  edge().AuthenticateLater({.session_id = id_,
                            .handshake = std::move(handshake),
                            .message = Message{message.type, std::string(message.body)}},
                           *this);
}

void Session::OnRenewed(AuthResult result) {
  const auto end = [this](CloseCode code, std::string_view text) {
    Close(MakeLeave(LeaveReason::kTokenExpired, code, text));
  };
  if (const auto* refused = std::get_if<AuthRefused>(&result)) {
    switch (refused->kind) {
      case AuthRefused::Kind::kUnauthenticated:
        end(CloseCode::kUnauthenticated, refused->text);
        return;
      case AuthRefused::Kind::kForbidden:
        end(CloseCode::kForbidden, refused->text);
        return;
      case AuthRefused::Kind::kUnavailable:
        // An outage logs nobody out: what the session had still holds, and it may try again.
        ResumeOpen();
        return;
    }
  }
  const auto& accepted = std::get<AuthAccepted>(result);
  if (accepted.uid != uid_) {
    end(CloseCode::kUnauthenticated, "the new authentication is another user's");
    return;
  }
  SetExpiry(accepted.expires_at_millis);
  // A reply that finds no room says nothing that the client could not do without.
  if (accepted.reply) (void)Deliver(accepted.reply->view());
  if (!is_ended()) ResumeOpen();
}

void Session::ResumeOpen() {
  // The timer of the expiry was put off while the provider was asked.
  if (edge().now_millis() >= expires_millis_) {
    CloseExpired();
    return;
  }
  const std::unique_ptr<Admission> renewal = std::move(admission_);
  state_ = State::kOpen;
  // The keepalive's clock stood still while the gateway did not read.
  received_or_deadline_millis_ = edge().now_millis();
  has_pinged_ = false;
  ScheduleNext();
  SetReading(true);
  Process(renewal->rest);
}

}  // namespace longwire
