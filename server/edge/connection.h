#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "server/base/loop.h"
#include "server/edge/address.h"
#include "server/edge/edge.h"
#include "server/edge/outbox.h"
#include "server/edge/socket_writer.h"
#include "server/edge/tls_stream.h"

namespace longwire {

// A client's socket: reads when there is something, and sends what its outbox holds once a turn.
// Everything above bytes - HTTP, frames - is its subclass's. Only on its loop.
class Connection : public Loop::Handler {
 public:
  ~Connection() override;

  // Sends what waits; called by Edge when the turn ends.
  void Flush();

 protected:
  Connection(Edge& edge, int fd, const RemoteAddress& remote);
  // Goes on with the other's socket, TLS and outbox, reading: the handshake becomes a session. The
  // other is left without a socket and is to be Ended.
  Connection(Connection& handshake);

  // Bytes from the client, in the edge's read buffer: gone after the call. Behind TLS: decrypted.
  virtual void OnBytes(std::span<char> bytes) = 0;
  // The socket has failed or the client has closed it. The connection is to be Ended.
  virtual void OnLost() = 0;
  // The client's bytes are no TLS, or its handshake has failed. The connection is to be Ended.
  virtual void OnTlsBroken() { OnLost(); }
  // All that waited is with the kernel.
  virtual void OnSent() {}
  // The socket takes no more: some of the outbox waits. Called when that begins.
  virtual void OnBlocked() {}
  // The gateway lets nobody in any more: whoever has not entered yet is turned away.
  virtual void OnAdmissionEnd() {}

  // What comes from now on is TLS, and so is what goes out. Before anything has.
  void StartTls(const TlsContext& context);
  bool has_tls() const { return tls_ != nullptr; }
  // Takes bytes that were received already, as if they had come now.
  void Take(std::span<char> received);

  // Begins or stops reading. A connection that does not read still sees the socket fail.
  void SetReading(bool is_reading);

  // Puts bytes into the outbox, to be sent at the end of the turn. The bounds are the caller's.
  void Write(std::string_view header, std::string_view payload = {});
  void WriteShared(const SharedFrame& frame);
  // A pong that goes out behind what waits, unless another takes its place before.
  void WritePendingPong(std::string_view frame);
  void WriteHttp(std::string_view answer);
  Outbox* outbox() { return outbox_.get(); }
  size_t outbox_bytes() const { return outbox_ == nullptr ? 0 : outbox_->bytes(); }
  bool is_blocked() const { return is_blocked_; }
  // When the socket last took something; since when it is stuck, while it is blocked.
  int64_t progress_millis() const { return progress_millis_; }
  // Asks the kernel whether the client has taken anything since this was asked, or since the socket
  // became blocked; true sets progress_millis to now. The socket is writable again only when a
  // third of its buffer is free, so a client that reads slowly but steadily would look stuck from
  // here.
  bool NoteKernelProgress();

  // Sends FIN behind what the kernel has (behind TLS its close_notify too); nothing may be written
  // after it.
  void ShutdownSending();
  // Closes the socket now, and frees this when the turn ends.
  void End();
  bool is_ended() const { return fd_ < 0; }

  Edge& edge() { return edge_; }
  const Edge& edge() const { return edge_; }
  // Who the client is: the peer of the socket, or whom a proxy names that is believed.
  const RemoteAddress& remote() const { return remote_; }
  // REQUIRES: the address is not counted.
  void set_remote(const RemoteAddress& remote) { remote_ = remote; }
  // Counts the connection to its client's address, until it ends. Returns how many there are then.
  size_t CountAddress();
  void StopCountingAddress();

 private:
  friend class Edge;

  void OnReady(uint32_t events) final;
  void Receive();
  void Decrypt(std::string_view received);
  // Sends what TLS itself has to say, and does not wait until it is sent.
  void FlushTls();
  void UpdateWatch();
  Outbox& NeedOutbox();

  Edge& edge_;
  std::unique_ptr<Outbox> outbox_;  // Null while nothing waits.
  std::unique_ptr<TlsStream> tls_;  // Null without TLS.
  int64_t progress_millis_ = 0;
  int fd_;
  uint32_t slot_ = 0;     // In Edge::connections_.
  int kernel_bytes_ = 0;  // Unacknowledged in the kernel, when it was last asked.
  RemoteAddress remote_;
  bool is_reading_ = true;
  bool is_blocked_ = false;
  bool is_dirty_ = false;
  bool is_address_counted_ = false;
};

}  // namespace longwire
