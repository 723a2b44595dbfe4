#include "server/edge/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace longwire {

Connection::Connection(Edge& edge, int fd, const RemoteAddress& remote)
    : edge_(edge), fd_(fd), remote_(remote) {
  if (!edge_.loop().Watch(fd_, *this, EPOLLIN)) {
    // Without a watch nothing would ever come: the deadline of the handshake ends it.
    edge_.CountRefusal(AdmissionRefusal::kDescriptors);
  }
}

Connection::Connection(Connection& handshake)
    : edge_(handshake.edge_),
      outbox_(std::move(handshake.outbox_)),
      tls_(std::move(handshake.tls_)),
      fd_(std::exchange(handshake.fd_, -1)),
      remote_(handshake.remote_),
      is_address_counted_(std::exchange(handshake.is_address_counted_, false)) {
  edge_.loop().Rewatch(fd_, *this, EPOLLIN);
  if (outbox_ != nullptr) {
    is_dirty_ = true;
    edge_.MarkDirty(*this);
  }
}

Connection::~Connection() {
  StopCountingAddress();
  if (fd_ >= 0) close(fd_);
}

void Connection::OnReady(uint32_t events) {
  if (is_ended()) return;
  if ((events & EPOLLOUT) != 0) Flush();
  if (is_ended()) return;
  if ((events & EPOLLIN) != 0) {
    Receive();
  } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    OnLost();
  }
}

void Connection::Receive() {
  const std::span<char> buffer = edge_.read_buffer();
  const ssize_t got = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    edge_.metrics().bytes_in.Add(static_cast<uint64_t>(got));
    Take(buffer.first(static_cast<size_t>(got)));
  } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    OnLost();
  }
}

size_t Connection::CountAddress() {
  is_address_counted_ = true;
  return edge_.shared().address_counts.Add(remote_);
}

void Connection::StopCountingAddress() {
  if (std::exchange(is_address_counted_, false)) edge_.shared().address_counts.Remove(remote_);
}

void Connection::StartTls(const TlsContext& context) {
  tls_ = context.NewStream();
}

void Connection::Take(std::span<char> received) {
  if (tls_ == nullptr) {
    OnBytes(received);
  } else {
    Decrypt({received.data(), received.size()});
  }
}

void Connection::Decrypt(std::string_view received) {
  const std::span<char> plain = edge_.plain_buffer();
  const TlsStream::ReadResult result = tls_->Read(received, plain);
  // What TLS answers of itself - its handshake, an alert - goes out with the turn's outboxes.
  if (!tls_->pending().empty()) NeedOutbox();
  if (result.bytes > 0) OnBytes(plain.first(result.bytes));
  if (result.end == TlsStream::End::kNone || is_ended()) return;
  // This connection may have become another meanwhile, which then owns the TLS.
  FlushTls();
  if (result.end == TlsStream::End::kClosed) {
    // It may have ended its side right behind its last request: that is answered.
    Flush();
    if (!is_ended()) OnLost();
  } else {
    OnTlsBroken();
  }
}

void Connection::FlushTls() {
  SocketWriter(fd_, tls_.get()).Flush();
}

void Connection::SetReading(bool is_reading) {
  if (is_reading_ == is_reading) return;
  is_reading_ = is_reading;
  UpdateWatch();
}

void Connection::UpdateWatch() {
  if (is_ended()) return;
  edge_.loop().Rewatch(fd_, *this, (is_reading_ ? EPOLLIN : 0u) | (is_blocked_ ? EPOLLOUT : 0u));
}

Outbox& Connection::NeedOutbox() {
  if (outbox_ == nullptr) outbox_ = edge_.TakeOutbox();
  // A blocked socket is flushed when it takes something again.
  if (!is_dirty_ && !is_blocked_) {
    is_dirty_ = true;
    edge_.MarkDirty(*this);
  }
  return *outbox_;
}

void Connection::Write(std::string_view header, std::string_view payload) {
  Outbox& outbox = NeedOutbox();
  outbox.Append(header);
  outbox.Append(payload);
}

void Connection::WriteShared(const SharedFrame& frame) {
  NeedOutbox().AppendShared(frame);
}

void Connection::WritePendingPong(std::string_view frame) {
  NeedOutbox().SetPendingPong(frame);
}

void Connection::WriteHttp(std::string_view answer) {
  edge_.shared().outbox_budget.TakeAnyway(answer.size());
  NeedOutbox().AppendHttpAnswer(answer);
}

void Connection::Flush() {
  is_dirty_ = false;
  if (is_ended() || outbox_ == nullptr) return;
  SocketWriter writer(fd_, tls_.get());
  const Outbox::SendResult result = outbox_->Send(writer);
  const size_t sent = writer.sent_bytes();
  edge_.metrics().bytes_out.Add(sent);
  if (sent > 0 || !is_blocked_) progress_millis_ = edge_.now_millis();
  if (sent > 0 && is_blocked_) ioctl(fd_, SIOCOUTQ, &kernel_bytes_);
  switch (result) {
    case Outbox::SendResult::kAllSent:
      edge_.GiveOutbox(std::move(outbox_));
      if (std::exchange(is_blocked_, false)) UpdateWatch();
      OnSent();
      return;
    case Outbox::SendResult::kBlocked:
      if (std::exchange(is_blocked_, true)) return;
      ioctl(fd_, SIOCOUTQ, &kernel_bytes_);
      UpdateWatch();
      OnBlocked();
      return;
    case Outbox::SendResult::kBroken:
      OnLost();
      return;
  }
}

bool Connection::NoteKernelProgress() {
  const int before = kernel_bytes_;
  if (ioctl(fd_, SIOCOUTQ, &kernel_bytes_) != 0 || kernel_bytes_ >= before) return false;
  progress_millis_ = edge_.now_millis();
  return true;
}

void Connection::ShutdownSending() {
  if (tls_ != nullptr) {
    tls_->WriteClose();
    FlushTls();
  }
  shutdown(fd_, SHUT_WR);
}

void Connection::End() {
  if (fd_ >= 0) {
    if (tls_ != nullptr) {
      tls_->WriteClose();
      FlushTls();
    }
    close(std::exchange(fd_, -1));
  }
  TimerWheel::Cancel(*this);
  edge_.Remove(*this);
}

}  // namespace longwire
