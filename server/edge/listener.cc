#include "server/edge/listener.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/base/limits.h"

namespace longwire {
namespace {

// A socket on its way to another loop: closed if it never gets there.
class OwnedSocket {
 public:
  explicit OwnedSocket(int fd) : fd_(fd) {}
  OwnedSocket(OwnedSocket&& other) noexcept : fd_(other.Release()) {}
  ~OwnedSocket() {
    if (fd_ >= 0) close(fd_);
  }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

// What the accepted sockets inherit: small messages go at once, and a peer that is gone is found by
// the kernel, whatever the keepalive of the session says.
void PrepareSocket(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kTcpUserTimeoutMillis);
  SetOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kTcpNotSentBytesMax);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kTcpKeepaliveIdleSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kTcpKeepaliveIntervalSeconds);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(const ListenAddress& address,
                                                         const char* option, Loop& loop,
                                                         LoopMetrics& metrics, HttpPort port,
                                                         std::vector<Edge*> edges) {
  const auto failed = [&](const char* what) {
    return absl::UnavailableError(fmt::format("{}: cannot {} {}: {}", option, what,
                                              address.EndpointAt(address.port()),
                                              std::strerror(errno)));
  };
  const int fd = socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("open a socket for");
  // For a quick restart: connections of the last run may still be in TIME_WAIT.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  PrepareSocket(fd);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.address), address.bytes) != 0 ||
      listen(fd, kListenBacklog) != 0) {
    absl::Status status = failed("listen on");
    close(fd);
    return status;
  }
  std::unique_ptr<Listener> listener(new Listener(fd, address.EndpointAt(BoundPort(fd)), loop,
                                                  metrics, std::move(port), std::move(edges)));
  if (!loop.Watch(fd, *listener, EPOLLIN)) return failed("watch");
  return listener;
}

Listener::Listener(int fd, std::string endpoint, Loop& loop, LoopMetrics& metrics, HttpPort port,
                   std::vector<Edge*> edges)
    : fd_(fd),
      endpoint_(std::move(endpoint)),
      loop_(loop),
      metrics_(metrics),
      port_(std::move(port)),
      edges_(std::move(edges)) {}

Listener::~Listener() {
  close(fd_);
}

void Listener::OnReady(uint32_t) {
  for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
    sockaddr_storage address{};
    socklen_t bytes = sizeof(address);
    const int fd =
        accept4(fd_, reinterpret_cast<sockaddr*>(&address), &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      GiveAway(fd, RemoteAddress(address));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      BackOff(errno);
      return;
    }
    // Anything else concerns that one connection, which is gone (accept(2), "Error handling").
  }
}

void Listener::GiveAway(int fd, const RemoteAddress& remote) {
  Edge* edge = *std::min_element(edges_.begin(), edges_.end(), [](const Edge* a, const Edge* b) {
    return a->load() < b->load();
  });
  edge->AnnounceAdopt();
  if (&edge->loop() == &loop_) {
    edge->Adopt(fd, remote, port_);
  } else {
    edge->loop().Post([edge, remote, this, socket = OwnedSocket(fd)]() mutable {
      edge->Adopt(socket.Release(), remote, port_);
    });
  }
}

// The kernel has nothing left to accept with: to try again at once would spin, since the port stays
// readable.
void Listener::BackOff(int error) {
  metrics_.accept_failures.Add();
  if (const auto left_out = warnings_.Allow()) {
    spdlog::warn(
        "{}: no connection can be accepted: {}; raise the file limit or lower --sessions-max "
        "({} such lines were left out)",
        endpoint_, std::strerror(error), *left_out);
  }
  loop_.Unwatch(fd_);
  loop_.Schedule(*this, loop_.now_millis() + kAcceptBackoffMillis);
}

void Listener::OnTimer() {
  if (!loop_.Watch(fd_, *this, EPOLLIN)) BackOff(errno);
}

}  // namespace longwire
