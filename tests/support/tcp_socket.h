#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/eventually.h"

namespace longwire::test {

// What one wait for bytes came to. A FIN and a RST are told apart: the gateway must not lose a
// close frame to a reset.
enum class ReadResult { kData, kEof, kReset, kTimeout };

// A blocking TCP connection on which every wait has an end. One thread at a time.
class TcpSocket {
 public:
  TcpSocket() = default;
  ~TcpSocket() { Close(); }
  TcpSocket(TcpSocket&& other) noexcept;
  TcpSocket& operator=(TcpSocket&& other) noexcept;

  // Connects to "host:port" (IPv4). Returns what went wrong, empty when nothing did. A
  // `receive_buffer_bytes` other than 0 becomes SO_RCVBUF, so that a client that does not read is
  // soon full.
  std::string Connect(const std::string& address, int receive_buffer_bytes = 0);

  // Speaks TLS from now on, with a peer that has a certificate of this authority (PEM) for
  // `name`. Returns what went wrong, empty when nothing did.
  std::string StartTls(const std::string& authority, const std::string& name = "localhost");
  // The certificate that the peer has shown, as PEM.
  std::string PeerCertificate() const;

  // Sends all of it; false when the peer is gone or takes nothing for kPatience.
  bool Send(std::string_view bytes);
  // The same with one segment a byte, to cut the stream in every place.
  bool SendByteByByte(std::string_view bytes);

  // Waits for bytes and appends them to `into`.
  ReadResult Read(std::string& into, Millis patience = kPatience);

  // Half-closes: the peer reads an end of file, and we still read.
  void ShutdownWrite();
  // Ends the connection with a RST, as a machine that was reset does.
  void Abort();
  void Close();

  bool is_open() const { return fd_ >= 0; }
  // This end as host:port, which is the peer's remote address.
  std::string local_address() const;

 private:
  // Of one call on the TLS: waits for what it wants. False when that is an end.
  bool WaitForTls(int result, const Deadline& deadline);

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  int fd_ = -1;
  std::unique_ptr<SSL, FreeSsl> tls_;  // Null: plain text.
};

// A TCP port that is taken for as long as this lives.
class TakenPort {
 public:
  TakenPort();
  ~TakenPort();
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;

  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

}  // namespace longwire::test
