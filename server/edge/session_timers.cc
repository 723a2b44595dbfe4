// What a session does when nothing happens: keepalive, expiry, slow consumers, and the end of every
// wait. It has one timer, set to whatever is due next.
#include <algorithm>
#include <cstdint>

#include "server/base/limits.h"
#include "server/edge/session.h"

namespace longwire {

int64_t Session::KeepaliveDue() const {
  const int64_t timeout = edge().options().keepalive_timeout_millis;
  if (timeout == 0) return INT64_MAX;
  return received_or_deadline_millis_ + (has_pinged_ ? timeout : timeout / 2);
}

void Session::ScheduleNext() {
  int64_t due = INT64_MAX;
  switch (state_) {
    case State::kAwaitingAuth:
    case State::kAuthenticating:
      due = received_or_deadline_millis_;
      break;
    case State::kClaiming:
      break;
    case State::kRenewing:
      due = received_or_deadline_millis_;
      break;
    case State::kOpen:
      due = std::min(KeepaliveDue(), expires_millis_);
      if (is_blocked()) {
        due = std::min(due, progress_millis() + edge().options().slow_consumer_timeout_millis);
      }
      break;
    case State::kClosing:
      due = received_or_deadline_millis_;
      break;
  }
  if (due == INT64_MAX) return;
  // A deadline that is years away is looked at again before the wheel's ticks wrap.
  edge().loop().Schedule(*this, std::min(due, edge().now_millis() + kTimerMillisMax));
}

void Session::OnTimer() {
  switch (state_) {
    case State::kAwaitingAuth:
      Turn(AdmissionRefusal::kAuthTimeout, CloseCode::kAuthTimeout,
           "no authentication came in time");
      return;
    case State::kAuthenticating:
      edge().ForgetAuth(id_);
      Turn(AdmissionRefusal::kAuthTimeout, CloseCode::kTryAgainLater,
           "authentication took too long");
      return;
    case State::kClaiming:
      return;
    case State::kClosing:
      OnClosingTimer();
      return;
    case State::kRenewing:
      // Nobody could say that the client may not stay: it stays while what it had holds.
      edge().ForgetAuth(id_);
      ResumeOpen();
      return;
    case State::kOpen:
      OnOpenTimer();
      return;
  }
}

void Session::OnOpenTimer() {
  const int64_t now = edge().now_millis();
  if (now >= expires_millis_) {
    CloseExpired();
    return;
  }
  if (is_blocked() && now >= progress_millis() + edge().options().slow_consumer_timeout_millis &&
      !NoteKernelProgress()) {
    outbox()->DropUnsentFrames();
    Close(MakeLeave(LeaveReason::kSlowConsumer, CloseCode::kTryAgainLater,
                    "the client does not read what it is sent"));
    return;
  }
  if (now >= KeepaliveDue()) {
    if (has_pinged_) {
      Close(MakeLeave(LeaveReason::kKeepaliveTimeout, CloseCode::kPolicyViolation,
                      "nothing was heard from the client for too long"));
      return;
    }
    has_pinged_ = true;
    WriteControl(Opcode::kPing, "");
  }
  ScheduleNext();
}

void Session::CloseExpired() {
  Close(MakeLeave(LeaveReason::kTokenExpired, CloseCode::kUnauthenticated,
                  "the authentication has expired"));
}

void Session::OnClosingTimer() {
  const int64_t now = edge().now_millis();
  if (now >= received_or_deadline_millis_) {
    // A client that still takes what stands before our Close gets more time for it, within a bound.
    const bool has_progressed =
        is_blocked() && (NoteKernelProgress() || now < progress_millis() + kCloseWaitMillis);
    if (!has_progressed || ++close_waits_ > kCloseWaitsMax) {
      End();
      return;
    }
    received_or_deadline_millis_ = now + kCloseWaitMillis;
  }
  ScheduleNext();
}

}  // namespace longwire
