#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/edge/connection.h"
#include "server/edge/edge.h"
#include "server/edge/handshake.h"
#include "server/edge/http.h"

namespace longwire {

// A connection before it speaks WebSocket: reads one request, and answers it, or authenticates it
// and hands its socket to a Session. Lives for a handshake, so its size does not matter.
class HttpConnection final : public Connection, private AuthWaiter {
 public:
  HttpConnection(Edge& edge, int fd, const RemoteAddress& remote, const HttpPort& port);
  ~HttpConnection() override;

 private:
  void OnBytes(std::span<char> bytes) override;
  void OnLost() override;
  void OnSent() override;
  void OnTimer() override;
  void OnAdmissionEnd() override;
  void OnAuthResult(AuthResult result) override;

  void OnRequest(const HttpRequest& request);
  // Connections that may become sessions count against --sessions-max from the request on.
  void StopCounting();
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
  bool is_counted_;
  HttpRequestReader reader_;
  Upgrade upgrade_;
  std::string rest_;          // What came behind the request's head: frames already.
  SessionId session_id_ = 0;  // Once it authenticates.
};

}  // namespace longwire
