#include "server/edge/http_connection.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "server/base/limits.h"
#include "server/edge/client_hello.h"
#include "server/edge/forwarded.h"
#include "server/edge/session.h"

namespace longwire {

HttpConnection::HttpConnection(Edge& edge, int fd, const RemoteAddress& remote,
                               const HttpPort& port)
    : Connection(edge, fd, remote),
      port_(port),
      slot_(port.has_upgrade ? HandshakeSlot(edge) : HandshakeSlot()) {
  edge.loop().Schedule(*this, edge.now_millis() + edge.options().handshake_timeout_millis);
}

HttpConnection::HttpConnection(Connection& proxied, const HttpPort& port, int64_t deadline_millis,
                               bool is_client_named)
    : Connection(proxied), port_(port), is_peer_client_(!is_client_named), slot_(edge()) {
  edge().loop().Schedule(*this, deadline_millis);
}

bool HttpConnection::is_from_trusted_proxy() const {
  // The balancer's own connection: what it says of a client stands in the PROXY header or nowhere.
  if (is_peer_client_) return false;
  const auto& trusted = edge().options().trusted_proxies;
  return std::any_of(trusted.begin(), trusted.end(),
                     [this](const AddressRange& range) { return range.Contains(remote()); });
}

void HttpConnection::Start(std::span<char> received) {
  const size_t per_ip_max = edge().options().sessions_per_ip_max;
  // Behind a proxy the client is known only with its request.
  if (port_.has_upgrade && per_ip_max != 0 && !is_from_trusted_proxy()) {
    // A client that is over its number gets an answer to its request. One that goes on opening
    // connections regardless is cut off before it costs a handshake.
    if (CountAddress() > 2 * per_ip_max) {
      edge().CountRefusal(AdmissionRefusal::kSessionsPerIpMax);
      End();
      return;
    }
  }
  if (!received.empty()) Take(received);
}

void HttpConnection::OnAdmissionEnd() {
  if (state_ == State::kAuthenticating) {
    edge().ForgetAuth(session_id_);
    Refuse(AdmissionRefusal::kDraining, TryAgainLater("This gateway is shutting down."));
  } else if (state_ == State::kReading && !has_received_) {
    // Nobody has asked anything, and the drain need not wait for it.
    edge().loop().Schedule(*this, edge().now_millis());
  }
}

void HttpConnection::OnBytes(std::span<char> bytes) {
  if (port_.tls != nullptr && !has_tls()) {
    OnHelloBytes({bytes.data(), bytes.size()});
    return;
  }
  // After an answer the rest is read only to be thrown away: closing a socket with unread bytes
  // would reset the connection and could take the answer with it.
  if (state_ != State::kReading) return;
  has_received_ = true;
  HttpRequestReader::Result result = reader_.Read({bytes.data(), bytes.size()});
  if (const auto* request = std::get_if<HttpRequest>(&result)) {
    rest_ = reader_.TakeRest();
    OnRequest(*request);
  } else if (const auto* answer = std::get_if<HttpAnswer>(&result)) {
    Refuse(
        answer->status == 431 ? AdmissionRefusal::kHeaderTooLarge : AdmissionRefusal::kBadRequest,
        *answer);
  }
}

void HttpConnection::OnHelloBytes(std::string_view bytes) {
  hello_.append(bytes);
  switch (CheckClientHello(hello_)) {
    case ClientHelloCheck::kNeedMore:
      return;
    case ClientHelloCheck::kRefused:
      OnTlsBroken();
      return;
    case ClientHelloCheck::kComplete: {
      StartTls(*port_.tls);
      std::string hello = std::move(hello_);
      Take(hello);
      return;
    }
  }
}

void HttpConnection::OnRequest(const HttpRequest& request) {
  is_head_ = request.method == "HEAD";
  std::string_view path, query;
  if (SplitTarget(request.target, path, query)) {
    if (auto answer = port_.route(request, path)) {
      Answer(*answer);
      return;
    }
  }
  if (!port_.has_upgrade) {
    Answer({.status = 404, .body = "Nothing is served at this path.\n"});
    return;
  }
  auto checked = CheckUpgrade(request, edge().options().handshake);
  if (const auto* refused = std::get_if<UpgradeRefused>(&checked)) {
    Refuse(refused->reason, refused->answer);
    return;
  }
  if (!CheckClient(request)) return;
  upgrade_ = std::get<Upgrade>(std::move(checked));
  upgrade_.handshake.set_remote_address(remote().ToString());
  if (!CheckAdmission()) return;
  if (edge().options().auth_at_message) {
    BecomeSession(nullptr);
    return;
  }
  state_ = State::kAuthenticating;
  session_id_ = edge().shard().NewId();
  if (auto answer = edge().Authenticate(
          {.session_id = session_id_, .handshake = upgrade_.handshake}, *this)) {
    OnAuthResult(*std::move(answer));
    return;
  }
  // The client may not speak before it is known: what it sends waits in the kernel.
  SetReading(false);
  edge().loop().Schedule(*this, edge().now_millis() + edge().options().auth_timeout_millis);
}

bool HttpConnection::CheckClient(const HttpRequest& request) {
  const EdgeOptions& options = edge().options();
  if (is_from_trusted_proxy()) {
    const auto client = ClientAddress(remote(), request, options.trusted_proxies);
    if (const auto* refused = std::get_if<ForwardedRefused>(&client)) {
      Refuse(AdmissionRefusal::kBadRequest, {.status = 400, .body = refused->text + "\n"});
      return false;
    }
    set_remote(std::get<RemoteAddress>(client));
    if (options.sessions_per_ip_max != 0) CountAddress();
  }
  // Again, since others may have gone meanwhile.
  if (options.sessions_per_ip_max != 0 &&
      edge().shared().address_counts.Count(remote()) > options.sessions_per_ip_max) {
    Refuse(AdmissionRefusal::kSessionsPerIpMax,
           {.status = 429,
            .body = "There are too many connections from this address.\n",
            .headers = {{"Retry-After", std::to_string(kRetryAfterSeconds)}}});
    return false;
  }
  return true;
}

bool HttpConnection::CheckAdmission() {
  EdgeShared& shared = edge().shared();
  if (!shared.is_admitting.load(std::memory_order_relaxed)) {
    Refuse(AdmissionRefusal::kDraining, TryAgainLater("This gateway is shutting down."));
    return false;
  }
  if (shared.connections.load(std::memory_order_relaxed) > shared.options.sessions_max) {
    Refuse(AdmissionRefusal::kSessionsMax, TryAgainLater("This gateway is full."));
    return false;
  }
  return true;
}

void HttpConnection::OnAuthResult(AuthResult result) {
  if (auto* accepted = std::get_if<AuthAccepted>(&result)) {
    // The gateway may have begun to drain while it was judged.
    if (CheckAdmission()) BecomeSession(accepted);
    return;
  }
  auto& refused = std::get<AuthRefused>(result);
  switch (refused.kind) {
    case AuthRefused::Kind::kUnauthenticated:
      Refuse(AdmissionRefusal::kUnauthenticated, {.status = 401,
                                                  .body = std::move(refused.text) + "\n",
                                                  .headers = {{"WWW-Authenticate", "Bearer"}}});
      return;
    case AuthRefused::Kind::kForbidden:
      Refuse(AdmissionRefusal::kForbidden, {.status = 403, .body = std::move(refused.text) + "\n"});
      return;
    case AuthRefused::Kind::kUnavailable:
      Refuse(AdmissionRefusal::kAuthUnavailable, TryAgainLater(refused.text));
      return;
  }
}

void HttpConnection::BecomeSession(AuthAccepted* accepted) {
  // From here on the session counts.
  slot_.GiveBack();
  if (session_id_ == 0) session_id_ = edge().shard().NewId();
  auto session =
      std::make_unique<Session>(*this, session_id_, std::move(upgrade_), std::move(rest_));
  Session& entered = *session;
  edge().Add(std::move(session));
  if (accepted != nullptr) {
    entered.StartAccepted(std::move(*accepted));
  } else {
    entered.StartUnauthenticated();
  }
  End();
}

void HttpConnection::Refuse(AdmissionRefusal reason, const HttpAnswer& answer) {
  edge().CountRefusal(reason);
  Answer(answer);
}

void HttpConnection::Answer(const HttpAnswer& answer) {
  slot_.GiveBack();
  state_ = State::kAnswering;
  WriteHttp(FormatHttpAnswer(answer, is_head_ ? HttpBody::kLeaveOut : HttpBody::kSend));
  SetReading(true);
  edge().loop().Schedule(*this, edge().now_millis() + kLingerMillis);
}

void HttpConnection::OnSent() {
  if (state_ != State::kAnswering) return;
  state_ = State::kLingering;
  ShutdownSending();
}

void HttpConnection::OnLost() {
  if (state_ == State::kAuthenticating) edge().ForgetAuth(session_id_);
  End();
}

void HttpConnection::OnTlsBroken() {
  if (state_ == State::kReading) edge().CountRefusal(AdmissionRefusal::kTlsHandshake);
  OnLost();
}

void HttpConnection::OnTimer() {
  switch (state_) {
    case State::kReading:
      // A client that has sent nothing is not answered: it may be a port scan or a browser's spare.
      if (!has_received_) {
        edge().CountRefusal(AdmissionRefusal::kHandshakeTimeout);
        End();
        return;
      }
      Refuse(AdmissionRefusal::kHandshakeTimeout,
             {.status = 408, .body = "The request took too long.\n"});
      return;
    case State::kAuthenticating:
      edge().ForgetAuth(session_id_);
      Refuse(AdmissionRefusal::kAuthTimeout, TryAgainLater("Authentication took too long."));
      return;
    case State::kAnswering:
    case State::kLingering:
      End();
      return;
  }
}

}  // namespace longwire
