#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "server/edge/connection.h"
#include "server/edge/handshake_slot.h"

namespace longwire {

// A connection on a port with --proxy-protocol, before anything of the client's: reads the header
// in which the balancer says who the client is, and hands the socket to an HttpConnection. Without
// a header there is no way to know, and so no answer either: the socket is closed.
class ProxyConnection final : public Connection {
 public:
  ProxyConnection(Edge& edge, int fd, const RemoteAddress& balancer, const HttpPort& port);

 private:
  void OnBytes(std::span<char> bytes) override;
  void OnLost() override { End(); }
  void OnTimer() override;
  void OnAdmissionEnd() override { End(); }

  const HttpPort& port_;
  const int64_t deadline_millis_;  // For the header and the request together.
  HandshakeSlot slot_;
  std::string header_;
};

}  // namespace longwire
