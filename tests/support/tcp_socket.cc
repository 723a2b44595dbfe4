#include "tests/support/tcp_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace longwire::test {
namespace {

std::string AddressText(const sockaddr_in& address) {
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(address.sin_port));
}

std::string LocalAddress(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return AddressText(address);
}

bool WaitFor(int fd, short events, int millis) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  return poll(&waiting, 1, millis) > 0;
}

}  // namespace

TcpSocket::TcpSocket(TcpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}

TcpSocket& TcpSocket::operator=(TcpSocket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    tls_ = std::move(other.tls_);
  }
  return *this;
}

std::string TcpSocket::Connect(const std::string& address, int receive_buffer_bytes) {
  Close();
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "not host:port: " + address;
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr) != 1) {
    return "not an IPv4 address: " + address;
  }
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return std::string("socket: ") + std::strerror(errno);
  // Before connect: the window is agreed on with the SYN.
  if (receive_buffer_bytes > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0) {
    const std::string problem = "connect to " + address + ": " + std::strerror(errno);
    Close();
    return problem;
  }
  return {};
}

std::string TcpSocket::StartTls(const std::string& authority, const std::string& name) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  BIO* const pem = BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size()));
  X509* const root = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
  BIO_free(pem);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root);
  X509_free(root);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  tls_.reset(SSL_new(context));
  SSL_CTX_free(context);
  SSL_set_fd(tls_.get(), fd_);
  SSL_set_tlsext_host_name(tls_.get(), name.c_str());
  SSL_set1_host(tls_.get(), name.c_str());
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const Deadline deadline(kPatience);
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(tls_.get());
    if (result == 1) return {};
    if (WaitForTls(result, deadline)) continue;
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    return reason == nullptr ? "the peer has ended the TLS handshake" : reason;
  }
}

std::string TcpSocket::PeerCertificate() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, SSL_get0_peer_certificate(tls_.get()));
  char* bytes = nullptr;
  const auto count = BIO_get_mem_data(bio, &bytes);
  std::string pem(bytes, static_cast<size_t>(count));
  BIO_free(bio);
  return pem;
}

bool TcpSocket::WaitForTls(int result, const Deadline& deadline) {
  const int wanted = SSL_get_error(tls_.get(), result);
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) return false;
  if (deadline.Passed()) return false;
  WaitFor(fd_, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline.RemainingMillis());
  return true;
}

bool TcpSocket::Send(std::string_view bytes) {
  const Deadline deadline(kPatience);
  while (tls_ != nullptr && !bytes.empty()) {
    const int sent = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (!WaitForTls(sent, deadline)) {
      return false;
    }
  }
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      if (deadline.Passed()) return false;
      WaitFor(fd_, POLLOUT, deadline.RemainingMillis());
    } else {
      return false;
    }
  }
  return true;
}

bool TcpSocket::SendByteByByte(std::string_view bytes) {
  for (const char& byte : bytes) {
    if (!Send({&byte, 1})) return false;
  }
  return true;
}

ReadResult TcpSocket::Read(std::string& into, Millis patience) {
  const Deadline deadline(patience);
  char buffer[64 * 1024];
  while (tls_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(tls_.get(), buffer, sizeof buffer);
    if (got > 0) {
      into.append(buffer, static_cast<size_t>(got));
      return ReadResult::kData;
    }
    if (WaitForTls(got, deadline)) continue;
    switch (SSL_get_error(tls_.get(), got)) {
      case SSL_ERROR_ZERO_RETURN:
        return ReadResult::kEof;
      case SSL_ERROR_WANT_READ:
        return ReadResult::kTimeout;
      default:
        return ReadResult::kReset;
    }
  }
  while (true) {
    const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) {
      into.append(buffer, static_cast<size_t>(got));
      return ReadResult::kData;
    }
    if (got == 0) return ReadResult::kEof;
    if (errno != EAGAIN && errno != EINTR) return ReadResult::kReset;
    if (!WaitFor(fd_, POLLIN, deadline.RemainingMillis()) && deadline.Passed()) {
      return ReadResult::kTimeout;
    }
  }
}

void TcpSocket::ShutdownWrite() {
  if (tls_ != nullptr) SSL_shutdown(tls_.get());
  shutdown(fd_, SHUT_WR);
}

void TcpSocket::Abort() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close();
}

void TcpSocket::Close() {
  tls_.reset();
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

std::string TcpSocket::local_address() const {
  return LocalAddress(fd_);
}

TakenPort::TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 || listen(fd_, 1) != 0) {
    ADD_FAILURE() << "cannot take a port: " << std::strerror(errno);
  }
  address_ = LocalAddress(fd_);
}

TakenPort::~TakenPort() {
  close(fd_);
}

}  // namespace longwire::test
