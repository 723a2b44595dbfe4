#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/auth/auth_provider.h"
#include "server/base/token_bucket.h"
#include "server/core/leave.h"
#include "server/edge/connection.h"
#include "server/edge/frame.h"
#include "server/edge/handshake.h"
#include "server/hub/hub_session.h"

namespace longwire {

// One WebSocket connection after the HTTP upgrade: frames in, frames out, keepalive, and the close.
// It becomes a session in the hub when it is authenticated and its uid is its own. Only on its
// loop.
//
// An idle one is this object and nothing else: buffers exist while something is half read or waits
// to be sent, and what is needed only until it enters is in Admission, which is freed then.
class Session final : public Connection, public HubSession, private AuthWaiter {
 public:
  // Takes the handshake's socket. `rest` is what the client has sent behind its request.
  Session(Connection& handshake, SessionId id, Upgrade upgrade, std::string rest);
  ~Session() override;

  // Then one of the two: the client was authenticated at the handshake, and claims its uid;
  void StartAccepted(AuthAccepted accepted);
  // or it gets its 101 now and is authenticated by its first message.
  void StartUnauthenticated();

  // HubSession
  SessionId id() const override { return id_; }
  std::string_view uid() const override { return uid_; }
  PartitionNumber partition() const override { return partition_; }
  Delivery Deliver(MessageView message) override;
  Delivery Deliver(const SharedFrame& frame) override;
  void Kick(uint16_t close_code, std::string_view close_reason, bool silent) override;
  void Drain() override;
  void OnClaimGranted() override;
  void OnEvicted() override;
  void Describe(v1::Session& session) const override;

 private:
  // What is needed until the session enters, and again while it renews its authentication.
  struct Admission {
    Upgrade upgrade;
    std::string rest;  // Bytes that came before their time: they wait for the answer.
    AuthAccepted accepted;
    bool is_upgraded = false;  // The 101 is written.
  };

  enum class State : uint8_t {
    kAwaitingAuth,    // For the first message.
    kAuthenticating,  // The provider is asked.
    kClaiming,        // Another session of the uid has to leave first.
    kOpen,            // In the hub: ENTER is written.
    kRenewing,        // The same, and the provider is asked about a new authentication.
    kClosing,         // Our Close frame is on its way; LEAVE is written if ENTER was.
  };

  // Connection
  void OnBytes(std::span<char> bytes) override;
  void OnLost() override;
  void OnSent() override;
  void OnBlocked() override;
  void OnTimer() override;
  void OnAdmissionEnd() override;
  // AuthWaiter
  void OnAuthResult(AuthResult result) override;

  void Process(std::span<char> bytes);
  void ReadFrames(std::span<char> bytes);
  void OnMessage(MessageView message);
  void OnPing(std::string_view payload);
  void OnClientClose(uint16_t code, std::string_view reason);
  void OnViolation(uint16_t code, std::string_view text);

  void ClaimUid();
  void Enter();
  // Takes back what it waits for from others, if it waits: an authentication, or its uid.
  void StopWaiting();
  void WriteUpgrade();
  void AskProvider(MessageView message);
  void ProcessRest();
  // Until when the authentication holds, in milliseconds since 1970; nothing = for ever.
  void SetExpiry(const std::optional<int64_t>& wall_millis);

  // A session that is open authenticates anew, in band: its reads pause until the answer is there.
  void Renew(MessageView message);
  void OnRenewed(AuthResult result);
  // Goes on as before, with what has come meanwhile, or ends if what it had has expired.
  void ResumeOpen();
  void CloseExpired();

  // Charge what the client sends to its limits. False when it is beyond one and is being closed.
  bool ChargeBytes(size_t bytes);
  bool ChargeFrame();
  void CloseForRate(std::string_view text);
  // Whether a ping is answered at once, or only the last of those that a turn brings.
  bool MayPongNow();

  // Ends the session: LEAVE if it has entered, a Close frame behind what is queued, and then a
  // bounded wait for the client's.
  void Close(const Leave& leave);
  // The same for one that has not entered.
  void Turn(AdmissionRefusal reason, CloseCode code, std::string_view text);
  void WriteClose(uint16_t code, std::string_view reason);
  // Both Close frames are on their way.
  void EndBothClosed();
  // Sends nothing more, and waits a little for the client to end the connection too.
  void Linger();
  // kQueued: the outbox takes so much more, now or since what was in it has been sent. That may
  // also have ended the session: kGone. Else kFull.
  Delivery MakeRoomFor(size_t bytes);
  // REQUIRES: the message's frame is charged to the outbox budget.
  void WriteMessage(MessageView message);
  void CountMessageOut();
  void WriteControl(Opcode opcode, std::string_view payload);

  void OnOpenTimer();
  void OnClosingTimer();

  bool is_entered() const { return state_ == State::kOpen || state_ == State::kRenewing; }
  void ScheduleNext();
  int64_t KeepaliveDue() const;

  const SessionId id_;
  std::string uid_;
  std::string path_;
  FrameReader reader_;
  std::unique_ptr<Admission> admission_;  // Null once it has entered (but for a renewal) or closes.
  // Null for most: what the provider gave, shown by GetSession and snapshots.
  std::unique_ptr<std::map<std::string, std::string>> attributes_;
  int64_t entered_at_millis_ = 0;
  // When the client last sent something; while it authenticates, renews or closes: until when it
  // may take.
  int64_t received_or_deadline_millis_ = 0;
  int64_t expires_millis_ = INT64_MAX;  // When the authentication ends, on the loop's clock.
  uint64_t messages_in_ = 0;
  uint64_t messages_out_ = 0;
  TokenBucket frames_allowed_;
  TokenBucket bytes_allowed_;
  PartitionNumber partition_ = 0;
  uint8_t subprotocol_ = 0;  // 1 + its place in HandshakeRules::subprotocols; 0 = none.
  State state_ = State::kAwaitingAuth;
  uint8_t close_waits_ = 0;       // How often the wait for the end was prolonged.
  bool has_pinged_ = false;       // Since the client last sent something.
  bool is_awaiting_end_ = false;  // Our Close frame is sent.
  // The client's Close frame is there: the socket ends once ours is sent.
  bool is_client_closed_ = false;
  bool is_violated_ = false;  // The client's bytes mean nothing any more, its Close included.
};

}  // namespace longwire
