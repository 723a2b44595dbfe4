#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/http.h"
#include "tests/support/tcp_socket.h"
#include "tests/support/ws_frame.h"

namespace longwire::test {

struct WsOpenOptions {
  int receive_buffer_bytes = 0;  // SO_RCVBUF; 0 = the system's.
  std::string first_bytes;       // Sent in the same segment as the request.
  std::string before_request;    // Sent in plain text before anything else.
  std::string tls_authority;     // Not empty: TLS, with a gateway that has a certificate of it.
};

// A blocking WebSocket client that does only what it is told: by itself it answers no ping and no
// Close, so a test can misbehave in every way and sees every frame. One thread at a time.
class WsClient {
 public:
  // Connects, sends the request and reads the answer. A 101 that breaks the RFC gets a `problem`.
  HttpAnswer Open(const std::string& address, const HttpRequest& request = HttpRequest::Upgrade(),
                  const WsOpenOptions& options = {});

  // Sending tells false when the peer is gone, which is mostly seen better by receiving.
  bool Send(std::string_view frames) { return socket_.Send(frames); }
  bool SendByteByByte(std::string_view frames) { return socket_.SendByteByByte(frames); }
  bool SendText(std::string text) { return Send(TextFrame(std::move(text))); }
  bool SendBinary(std::string bytes) { return Send(BinaryFrame(std::move(bytes))); }
  // Code 0 is none. `behind` goes out in the same segment.
  bool SendClose(uint16_t code = 0, std::string_view reason = {}, std::string_view behind = {}) {
    has_sent_close_ = true;
    return Send(CloseFrame(code, reason).append(behind));
  }

  // The next message, control frame or end of the connection.
  Received Receive(Millis patience = kPatience);
  // The next that is neither ping nor pong.
  Received ReceiveMessage(Millis patience = kPatience);
  // Reads until the connection ends and returns how: the Close frame if there was one (it is then
  // answered, unless SendClose was called before, and an end of file has to follow soon, or the
  // result is kBadFrame), else the end itself.
  Received ReceiveEnd(Millis patience = kPatience);

  // Answers nothing, reads nothing, just goes: with a RST, or with a FIN.
  void Abort() { socket_.Abort(); }
  void Close() { socket_.Close(); }

  TcpSocket& socket() { return socket_; }

 private:
  TcpSocket socket_;
  std::string bytes_;  // Received and not yet taken apart.
  FrameParser parser_;
  bool has_sent_close_ = false;
};

}  // namespace longwire::test
