#include "server/edge/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "server/base/limits.h"
#include "server/base/utf8.h"

namespace longwire {
namespace {

LeaveReason ReasonForViolation(uint16_t code) {
  return static_cast<CloseCode>(code) == CloseCode::kMessageTooBig ? LeaveReason::kMessageTooBig
                                                                   : LeaveReason::kProtocolError;
}

// Whether a client may send any number of them: messages, pings and pongs.
bool IsRepeatable(FrameReader::Item::Kind kind) {
  using Kind = FrameReader::Item::Kind;
  return kind == Kind::kText || kind == Kind::kBinary || kind == Kind::kPing || kind == Kind::kPong;
}

}  // namespace

Session::Session(Connection& handshake, SessionId id, Upgrade upgrade, std::string rest)
    : Connection(handshake), id_(id), admission_(std::make_unique<Admission>()) {
  path_ = upgrade.handshake.path();
  const auto& spoken = edge().options().handshake.subprotocols;
  const auto chosen = std::find(spoken.begin(), spoken.end(), upgrade.handshake.subprotocol());
  if (chosen != spoken.end()) subprotocol_ = static_cast<uint8_t>(chosen - spoken.begin() + 1);
  admission_->upgrade = std::move(upgrade);
  admission_->rest = std::move(rest);
  edge().shared().connections.fetch_add(1);
}

Session::~Session() {
  edge().shared().inbound_budget.Give(reader_.BufferedBytes());
  edge().shared().connections.fetch_sub(1);
}

void Session::OnBytes(std::span<char> bytes) {
  if (state_ == State::kOpen) {
    received_or_deadline_millis_ = edge().now_millis();
    has_pinged_ = false;
  }
  if (ChargeBytes(bytes.size())) Process(bytes);
}

void Session::Process(std::span<char> bytes) {
  // What still comes from a client that is being closed for what it sent is not looked at.
  if (is_violated_) return;
  const size_t held_before = reader_.BufferedBytes();
  ReadFrames(bytes);
  const size_t held = reader_.BufferedBytes();
  ByteBudget& budget = edge().shared().inbound_budget;
  if (held <= held_before) {
    budget.Give(held_before - held);
    return;
  }
  budget.TakeAnyway(held - held_before);
  if (!budget.is_exceeded() || state_ == State::kClosing || is_ended()) return;
  // What clients have half sent has a bound in sum too; who adds to it beyond that has to go.
  constexpr std::string_view kText = "too much is half received; try again later";
  if (is_entered()) {
    Close(MakeLeave(LeaveReason::kRateLimited, CloseCode::kTryAgainLater, kText));
  } else {
    Turn(AdmissionRefusal::kBusy, CloseCode::kTryAgainLater, kText);
  }
}

void Session::ReadFrames(std::span<char> bytes) {
  using Kind = FrameReader::Item::Kind;
  while (!is_ended()) {
    if (state_ == State::kAuthenticating || state_ == State::kClaiming ||
        state_ == State::kRenewing) {
      // The rest of what was read waits for the answer; the socket is not read meanwhile.
      admission_->rest.append(bytes.data(), bytes.size());
      return;
    }
    const FrameReader::Item item = reader_.Next(bytes, edge().options().message_bytes_max);
    if (IsRepeatable(item.kind) && !ChargeFrame()) return;
    switch (item.kind) {
      case Kind::kNeedMore:
        return;
      case Kind::kText:
        OnMessage({MessageType::kText, item.payload});
        break;
      case Kind::kBinary:
        OnMessage({MessageType::kBinary, item.payload});
        break;
      case Kind::kPing:
        OnPing(item.payload);
        break;
      case Kind::kPong:
        break;
      case Kind::kClose:
        OnClientClose(item.close_code, item.payload);
        break;
      case Kind::kViolation:
        OnViolation(item.close_code, item.payload);
        break;
    }
  }
}

void Session::OnMessage(MessageView message) {
  if (state_ == State::kClosing) return;
  if (state_ == State::kAwaitingAuth) {
    AskProvider(message);
    return;
  }
  if (edge().shared().auth.IsRenewal(message)) {
    Renew(message);
    return;
  }
  ++messages_in_;
  const auto decoded = edge().shared().protocol.Decode(message, edge().scratch());
  if (const auto* violation = std::get_if<ProtocolViolation>(&decoded)) {
    // A provider's slip must not put bytes on the wire that no peer would take.
    const bool is_code_valid = IsCloseCodeOnWire(violation->close_code);
    OnViolation(
        is_code_valid ? violation->close_code : static_cast<uint16_t>(CloseCode::kPolicyViolation),
        IsValidUtf8(violation->text) ? violation->text : "");
    return;
  }
  const auto& routed = std::get<RoutedMessage>(decoded);
  // The reader has checked a text as a whole; only what the provider has cut or made is new.
  const bool is_as_received = routed.message.body.data() == message.body.data() &&
                              routed.message.body.size() == message.body.size() &&
                              routed.message.type == message.type;
  const bool is_text = routed.message.type == MessageType::kText;
  if (!IsValidUtf8(routed.command) ||
      (is_text && !is_as_received && !IsValidUtf8(routed.message.body))) {
    OnViolation(static_cast<uint16_t>(CloseCode::kInvalidPayload),
                "the decoded message is not valid UTF-8");
    return;
  }
  edge().shard().Routed(*this, routed.command, routed.message);
}

Delivery Session::Deliver(MessageView message) {
  const size_t bytes = FrameBytes(message.body.size());
  if (const Delivery room = MakeRoomFor(bytes); room != Delivery::kQueued) return room;
  if (!edge().shared().outbox_budget.Take(bytes)) return Delivery::kTotalFull;
  WriteMessage(message);
  CountMessageOut();
  return Delivery::kQueued;
}

Delivery Session::Deliver(const SharedFrame& frame) {
  if (const Delivery room = MakeRoomFor(frame.size()); room != Delivery::kQueued) return room;
  const bool is_copied = frame.size() <= kCopiedFrameBytesMax;
  if (!edge().shared().outbox_budget.Take(is_copied ? frame.size() : Outbox::kReferenceBytes)) {
    return Delivery::kTotalFull;
  }
  if (is_copied) {
    Write(frame.bytes());
  } else {
    WriteShared(frame);
  }
  CountMessageOut();
  return Delivery::kQueued;
}

Delivery Session::MakeRoomFor(size_t bytes) {
  const size_t bytes_max = edge().options().outbox_bytes_max;
  if (outbox_bytes() + bytes <= bytes_max) return Delivery::kQueued;
  // One turn may bring more than an outbox holds: it is full when the client does not take it, and
  // not before that was tried.
  if (!is_blocked()) Flush();
  if (is_ended()) return Delivery::kGone;
  return outbox_bytes() + bytes <= bytes_max ? Delivery::kQueued : Delivery::kFull;
}

void Session::CountMessageOut() {
  ++messages_out_;
  edge().metrics().messages_out.Add();
}

void Session::WriteMessage(MessageView message) {
  char header[kServerFrameHeaderBytesMax];
  const Opcode opcode = message.type == MessageType::kText ? Opcode::kText : Opcode::kBinary;
  const size_t header_bytes = WriteFrameHeader(opcode, message.body.size(), header);
  Write({header, header_bytes}, message.body);
}

void Session::WriteControl(Opcode opcode, std::string_view payload) {
  char frame[kServerFrameHeaderBytesMax + kControlPayloadBytesMax];
  const size_t header_bytes = WriteFrameHeader(opcode, payload.size(), frame);
  edge().shared().outbox_budget.TakeAnyway(header_bytes + payload.size());
  Write({frame, header_bytes}, payload);
}

void Session::OnPing(std::string_view payload) {
  if (state_ == State::kClosing) return;
  if (MayPongNow()) {
    WriteControl(Opcode::kPong, payload);
  } else {
    std::string frame;
    AppendFrame(frame, Opcode::kPong, payload);
    WritePendingPong(frame);
  }
}

void Session::OnClientClose(uint16_t code, std::string_view reason) {
  is_client_closed_ = true;
  if (state_ == State::kClosing) {
    if (is_awaiting_end_ || outbox() == nullptr) EndBothClosed();
    return;
  }
  const Leave leave{.reason = LeaveReason::kClientClosed,
                    .close_code = code,
                    .close_reason = std::string(reason)};
  if (is_entered()) {
    Close(leave);
  } else {
    // It left before it was let in: no session, no event, and nothing was refused.
    state_ = State::kClosing;
    WriteClose(code == static_cast<uint16_t>(CloseCode::kNoStatus) ? 0 : code, "");
  }
}

void Session::OnViolation(uint16_t code, std::string_view text) {
  is_violated_ = true;
  if (state_ == State::kClosing) {
    // The client does not speak the protocol any more, so it will not answer our Close either.
    End();
  } else if (is_entered()) {
    Close(MakeLeave(ReasonForViolation(code), static_cast<CloseCode>(code), text));
  } else {
    Turn(AdmissionRefusal::kProtocolError, static_cast<CloseCode>(code), text);
  }
}

bool Session::ChargeBytes(size_t bytes) {
  const size_t per_second_max = edge().options().bytes_per_second_max;
  // One message may always come at once, with what one read brings besides.
  const size_t burst =
      std::max(per_second_max, edge().options().message_bytes_max + kReadBufferBytes);
  if (per_second_max == 0 || state_ == State::kClosing ||
      bytes_allowed_.Take(edge().now_millis(), bytes, per_second_max, burst)) {
    return true;
  }
  CloseForRate("more bytes a second than a client may send");
  return false;
}

bool Session::ChargeFrame() {
  const uint32_t per_second_max = edge().options().messages_per_second_max;
  if (per_second_max == 0 || state_ == State::kClosing ||
      frames_allowed_.Take(edge().now_millis(), 1, per_second_max, per_second_max)) {
    return true;
  }
  CloseForRate("more messages a second than a client may send");
  return false;
}

bool Session::MayPongNow() {
  if (is_blocked()) return false;
  // With a limit of messages the ping was charged to it already.
  return edge().options().messages_per_second_max != 0 ||
         frames_allowed_.Take(edge().now_millis(), 1, kPongsPerSecondMax, kPongsPerSecondMax);
}

void Session::CloseForRate(std::string_view text) {
  // Whoever floods would go on until it sees our Close, and nothing it says counts any more.
  is_violated_ = true;
  if (is_entered()) {
    Close(MakeLeave(LeaveReason::kRateLimited, CloseCode::kPolicyViolation, text));
  } else {
    Turn(AdmissionRefusal::kRateLimited, CloseCode::kPolicyViolation, text);
  }
}

void Session::Kick(uint16_t close_code, std::string_view close_reason, bool silent) {
  Leave leave = MakeLeave(LeaveReason::kKicked, static_cast<CloseCode>(close_code), close_reason);
  leave.silent = silent;
  Close(leave);
}

void Session::Drain() {
  Close(MakeLeave(LeaveReason::kDrained, CloseCode::kGoingAway, "the gateway is shutting down"));
}

void Session::OnEvicted() {
  constexpr std::string_view kText = "the same user has logged in again";
  if (is_entered()) {
    Close(MakeLeave(LeaveReason::kDuplicateLogin, CloseCode::kDuplicateLogin, kText));
  } else {
    edge().shard().Abandon(*this);
    Turn(AdmissionRefusal::kDuplicateLogin, CloseCode::kDuplicateLogin, kText);
  }
}

void Session::Close(const Leave& leave) {
  StopWaiting();
  edge().shard().Leave(*this, leave);
  state_ = State::kClosing;
  const std::unique_ptr<Admission> renewal = std::move(admission_);
  // RFC 6455 5.5.1: a Close frame is answered with its own code.
  const bool has_code = leave.close_code != static_cast<uint16_t>(CloseCode::kNoStatus);
  WriteClose(has_code ? leave.close_code : 0, is_client_closed_ ? "" : leave.close_reason);
  // It may end inside a frame: the reader has to know, to find the client's Close behind it.
  if (renewal != nullptr && !renewal->rest.empty()) Process(renewal->rest);
}

void Session::WriteClose(uint16_t code, std::string_view reason) {
  std::string frame;
  AppendCloseFrame(frame, code, reason);
  edge().shared().outbox_budget.TakeAnyway(frame.size());
  // Nothing may follow a Close (RFC 6455 5.5.1).
  if (outbox() != nullptr) outbox()->DropPendingPong();
  Write(frame);
  received_or_deadline_millis_ = edge().now_millis() + kCloseWaitMillis;
  ScheduleNext();
  // Read on, for the client's Close frame.
  SetReading(true);
}

void Session::OnSent() {
  // Only once: what TLS sends of itself later prolongs nothing.
  if (state_ != State::kClosing || std::exchange(is_awaiting_end_, true)) return;
  if (is_client_closed_) {
    EndBothClosed();
    return;
  }
  // What was queued may have taken a while to go: the wait for the client's Close begins here. With
  // a client that has broken the protocol there is none to wait for, only its end of the socket:
  // cutting it at once could take our Close frame with it (RFC 6455 7.1.1).
  if (is_violated_) {
    Linger();
    return;
  }
  received_or_deadline_millis_ = edge().now_millis() + kCloseWaitMillis;
  ScheduleNext();
}

void Session::EndBothClosed() {
  if (has_tls()) {
    // The client's TLS has something to say yet, and would be answered with a reset.
    Linger();
  } else {
    End();
  }
}

void Session::Linger() {
  ShutdownSending();
  received_or_deadline_millis_ = edge().now_millis() + kLingerMillis;
  ScheduleNext();
}

void Session::OnBlocked() {
  ScheduleNext();
}

void Session::OnLost() {
  StopWaiting();
  if (is_entered()) {
    edge().shard().Leave(*this, MakeLeave(LeaveReason::kConnectionLost, CloseCode::kAbnormal, ""));
    state_ = State::kClosing;
  }
  End();
}

void Session::Describe(v1::Session& session) const {
  session.set_session_id(id_);
  session.set_uid(uid_);
  session.set_remote_address(remote().ToString());
  session.set_path(path_);
  if (subprotocol_ != 0) {
    session.set_subprotocol(edge().options().handshake.subprotocols[subprotocol_ - 1]);
  }
  if (attributes_ != nullptr) {
    session.mutable_attributes()->insert(attributes_->begin(), attributes_->end());
  }
  session.mutable_entered_at()->set_seconds(entered_at_millis_ / 1'000);
  session.mutable_entered_at()->set_nanos(static_cast<int32_t>(entered_at_millis_ % 1'000) *
                                          1'000'000);
  session.set_messages_in(messages_in_);
  session.set_messages_out(messages_out_);
}

}  // namespace longwire
