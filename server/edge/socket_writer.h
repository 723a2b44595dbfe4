#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "server/edge/tls_stream.h"

namespace longwire {

// Where an outbox sends to: a socket, or the TLS in front of it. For one flush; only on the loop.
class SocketWriter {
 public:
  // `tls` may be null: then bytes go to the socket as they are.
  SocketWriter(int fd, TlsStream* tls) : fd_(fd), tls_(tls) {}

  // Writes from the front of `parts` and returns how much of them is taken care of, as sendmsg
  // does: -1 with errno, EAGAIN when the socket takes no more. What TLS has encrypted counts as
  // taken, even while its record waits for the socket.
  ssize_t Write(std::span<const iovec> parts);

  // Sends what TLS has encrypted and the socket has not taken yet. False with errno if some is
  // left.
  bool Flush();

  // What the socket has taken since the beginning.
  size_t sent_bytes() const { return sent_bytes_; }

 private:
  ssize_t WriteTls(std::span<const iovec> parts);

  const int fd_;
  TlsStream* const tls_;
  size_t sent_bytes_ = 0;
};

}  // namespace longwire
