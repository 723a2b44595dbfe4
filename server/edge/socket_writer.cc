#include "server/edge/socket_writer.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace longwire {

ssize_t SocketWriter::Write(std::span<const iovec> parts) {
  if (tls_ != nullptr) return WriteTls(parts);
  ssize_t sent;
  do {
    if (parts.size() == 1) {
      sent = send(fd_, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      const msghdr message{.msg_iov = const_cast<iovec*>(parts.data()), .msg_iovlen = parts.size()};
      sent = sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) sent_bytes_ += static_cast<size_t>(sent);
  return sent;
}

ssize_t SocketWriter::WriteTls(std::span<const iovec> parts) {
  if (!Flush()) return -1;
  // Gathered, so that many small frames are one record and not each its own.
  std::array<char, TlsStream::kRecordBytesMax> record;
  size_t bytes = 0;
  for (const iovec& part : parts) {
    const size_t taken = std::min(part.iov_len, record.size() - bytes);
    std::memcpy(record.data() + bytes, part.iov_base, taken);
    bytes += taken;
    if (taken < part.iov_len) break;
  }
  if (!tls_->Write({record.data(), bytes})) {
    errno = EPIPE;
    return -1;
  }
  if (!Flush() && errno != EAGAIN) return -1;
  return static_cast<ssize_t>(bytes);
}

bool SocketWriter::Flush() {
  while (tls_ != nullptr && !tls_->pending().empty()) {
    const std::string_view pending = tls_->pending();
    const ssize_t sent = send(fd_, pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    sent_bytes_ += static_cast<size_t>(sent);
    tls_->Sent(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace longwire
