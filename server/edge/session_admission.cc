// A session's way in: from the upgraded socket over authentication and the claim of its uid to
// ENTER, or to the Close frame that turns it away.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "server/base/limits.h"
#include "server/edge/session.h"

namespace longwire {

void Session::StartAccepted(AuthAccepted accepted) {
  admission_->accepted = std::move(accepted);
  ClaimUid();
}

void Session::StartUnauthenticated() {
  WriteUpgrade();
  received_or_deadline_millis_ = edge().now_millis() + edge().options().auth_timeout_millis;
  ScheduleNext();
  ProcessRest();
}

void Session::WriteUpgrade() {
  if (std::exchange(admission_->is_upgraded, true)) return;
  WriteHttp(FormatSwitchingProtocols(admission_->upgrade));
}

void Session::ProcessRest() {
  std::string rest = std::exchange(admission_->rest, {});
  SetReading(true);
  Process(rest);
}

void Session::AskProvider(MessageView message) {
  if (!edge().shared().auth.IsAuthRequest(message)) {
    Turn(AdmissionRefusal::kUnauthenticated, CloseCode::kUnauthenticated,
         "the first message has to authenticate");
    return;
  }
  state_ = State::kAuthenticating;
  auto answer = edge().Authenticate({.session_id = id_,
                                     .handshake = admission_->upgrade.handshake,
                                     .message = Message{message.type, std::string(message.body)}},
                                    *this);
  if (answer) {
    OnAuthResult(*std::move(answer));
  } else {
    SetReading(false);
  }
}

void Session::OnAuthResult(AuthResult result) {
  if (state_ == State::kRenewing) {
    OnRenewed(std::move(result));
    return;
  }
  if (auto* accepted = std::get_if<AuthAccepted>(&result)) {
    if (!edge().shared().is_admitting.load(std::memory_order_relaxed)) {
      Turn(AdmissionRefusal::kDraining, CloseCode::kTryAgainLater, "the gateway is shutting down");
      return;
    }
    admission_->accepted = std::move(*accepted);
    ClaimUid();
    return;
  }
  const auto& refused = std::get<AuthRefused>(result);
  switch (refused.kind) {
    case AuthRefused::Kind::kUnauthenticated:
      Turn(AdmissionRefusal::kUnauthenticated, CloseCode::kUnauthenticated, refused.text);
      return;
    case AuthRefused::Kind::kForbidden:
      Turn(AdmissionRefusal::kForbidden, CloseCode::kForbidden, refused.text);
      return;
    case AuthRefused::Kind::kUnavailable:
      Turn(AdmissionRefusal::kAuthUnavailable, CloseCode::kTryAgainLater, refused.text);
      return;
  }
}

void Session::ClaimUid() {
  uid_ = admission_->accepted.uid;
  partition_ = edge().shard().PartitionOf(uid_, id_);
  // Waiting for the older session is outside the timeouts: it is not the client's fault.
  state_ = State::kClaiming;
  TimerWheel::Cancel(*this);
  switch (edge().shard().Claim(*this)) {
    case UidDirectory::Claim::kGranted:
      Enter();
      return;
    case UidDirectory::Claim::kWaiting:
      SetReading(false);
      return;
    case UidDirectory::Claim::kRejected:
      // As a close code rather than an HTTP status, since a browser shows its page only the former.
      uid_.clear();
      Turn(AdmissionRefusal::kDuplicateLogin, CloseCode::kDuplicateLogin,
           "this user has a session already");
      return;
  }
}

void Session::OnClaimGranted() {
  if (!edge().shared().is_admitting.load(std::memory_order_relaxed)) {
    edge().shard().Abandon(*this);
    Turn(AdmissionRefusal::kDraining, CloseCode::kTryAgainLater, "the gateway is shutting down");
    return;
  }
  Enter();
}

void Session::Enter() {
  // Room for the reply is taken before anything is told: without it the client may try again.
  const auto& expected = admission_->accepted.reply;
  if (expected && !edge().shared().outbox_budget.Take(FrameBytes(expected->body.size()))) {
    edge().shard().Abandon(*this);
    Turn(AdmissionRefusal::kBusy, CloseCode::kTryAgainLater,
         "the gateway is busy; try again later");
    return;
  }
  WriteUpgrade();
  const std::unique_ptr<Admission> admission = std::move(admission_);
  state_ = State::kOpen;
  entered_at_millis_ = edge().loop().wall_millis();
  received_or_deadline_millis_ = edge().now_millis();
  v1::Enter enter = WithoutSecrets(std::move(admission->upgrade.handshake));
  std::map<std::string, std::string>& attributes = admission->accepted.attributes;
  if (!attributes.empty()) {
    enter.mutable_attributes()->insert(attributes.begin(), attributes.end());
    attributes_ = std::make_unique<std::map<std::string, std::string>>(std::move(attributes));
  }
  edge().shard().Enter(*this, std::move(enter), admission->accepted.topics);
  if (const auto& reply = admission->accepted.reply) WriteMessage(reply->view());
  SetExpiry(admission->accepted.expires_at_millis);
  ScheduleNext();
  SetReading(true);
  Process(admission->rest);
}

void Session::SetExpiry(const std::optional<int64_t>& wall_millis) {
  // Both clocks' numbers are below 2^53 and what a provider says may be anything: no overflow.
  const int64_t now = edge().loop().wall_millis();
  expires_millis_ = wall_millis && *wall_millis - now < INT64_MAX / 2
                        ? edge().now_millis() + (*wall_millis - now)
                        : INT64_MAX;
}

void Session::OnAdmissionEnd() {
  if (is_entered() || state_ == State::kClosing) return;
  StopWaiting();
  Turn(AdmissionRefusal::kDraining, CloseCode::kTryAgainLater, "the gateway is shutting down");
}

void Session::StopWaiting() {
  if (state_ == State::kAuthenticating || state_ == State::kRenewing) edge().ForgetAuth(id_);
  if (state_ == State::kClaiming) edge().shard().Abandon(*this);
}

void Session::Turn(AdmissionRefusal reason, CloseCode code, std::string_view text) {
  edge().CountRefusal(reason);
  WriteUpgrade();
  state_ = State::kClosing;
  std::string rest = std::move(admission_->rest);
  admission_.reset();
  WriteClose(static_cast<uint16_t>(code), CutCloseReason(text));
  // It may end inside a frame: the reader has to know, to find the client's Close behind it.
  if (!rest.empty()) Process(rest);
}

}  // namespace longwire
