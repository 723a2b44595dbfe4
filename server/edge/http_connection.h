#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/edge/connection.h"
#include "server/edge/edge.h"
#include "server/edge/handshake.h"
#include "server/edge/handshake_slot.h"
#include "server/edge/http.h"

namespace longwire {

// A connection before it speaks WebSocket: reads one request, and answers it, or authenticates it
// and hands its socket to a Session. Lives for a handshake, so its size does not matter.
class HttpConnection final : public Connection, private AuthWaiter {
 public:
  HttpConnection(Edge& edge, int fd, const RemoteAddress& remote, const HttpPort& port);
  // Goes on with a connection behind its PROXY header, which may have named the client. The
  // deadline is for the request.
  HttpConnection(Connection& proxied, const HttpPort& port, int64_t deadline_millis,
                 bool is_client_named);

  // Once it is among the edge's connections: begins, with what was received already.
  void Start(std::span<char> received);

 private:
  void OnBytes(std::span<char> bytes) override;
  void OnLost() override;
  void OnTlsBroken() override;
  void OnSent() override;
  void OnTimer() override;
  void OnAdmissionEnd() override;
  void OnAuthResult(AuthResult result) override;

  bool is_from_trusted_proxy() const;
  // Behind TLS: what comes before there is any.
  void OnHelloBytes(std::string_view bytes);
  void OnRequest(const HttpRequest& request);
  // Finds out who the client is and how many connections it has. False when it is refused.
  bool CheckClient(const HttpRequest& request);
  // True when a new session may be admitted now; else answers 503.
  bool CheckAdmission();
  void Refuse(AdmissionRefusal reason, const HttpAnswer& answer);
  void Answer(const HttpAnswer& answer);
  // The socket goes on as a session.
  void BecomeSession(AuthAccepted* accepted);

  enum class State : uint8_t { kReading, kAuthenticating, kAnswering, kLingering };

  const HttpPort& port_;
  bool is_head_ = false;  // The answer goes without its body.
  State state_ = State::kReading;
  bool has_received_ = false;
  const bool is_peer_client_ = false;  // The peer speaks for itself, whoever it is.
  HandshakeSlot slot_;
  std::string hello_;  // Of a client's TLS, until its first record is whole.
  HttpRequestReader reader_;
  Upgrade upgrade_;
  std::string rest_;          // What came behind the request's head: frames already.
  SessionId session_id_ = 0;  // Once it authenticates.
};

}  // namespace longwire
