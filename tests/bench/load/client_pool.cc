#include "tests/bench/load/client_pool.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace longwire::bench {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kEventsPerPass = 256;
// Below the gateway's bound of handshakes in progress and of connections not yet accepted.
constexpr size_t kOpeningMax = 128;
// As on a real server, where clients come from many addresses.
constexpr size_t kClientsPerAddress = 1000;
constexpr size_t kHandshakeAnswerBytesMax = 16 * 1024;

}  // namespace

ClientPool::ClientPool(const Options& options, Handler& handler)
    : server_(ParseHostPort(options.ws)),
      has_tls_(options.tls),
      dialect_(MakeDialect(options)),
      handler_(handler),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kReadBytes) {
  if (epoll_.get() < 0) Die("cannot make an epoll", true);
}

ClientPool::~ClientPool() {
  for (Client& client : clients_) CloseWithReset(std::move(client.fd));
}

void ClientPool::Open(size_t count, double seconds_max) {
  const int64_t deadline = MonotonicNanos() + static_cast<int64_t>(seconds_max * 1e9);
  clients_.reserve(count);
  while (open_count_ < count) {
    while (clients_.size() < count && opening_count_ < kOpeningMax) {
      clients_.emplace_back();
      Start(clients_.size() - 1);
    }
    Poll(100);
    if (lost_count_ != 0) {
      Die("the server ended a connection with " + std::to_string(open_count_) + " open");
    }
    if (MonotonicNanos() > deadline) {
      Die("only " + std::to_string(open_count_) + " connections opened in time");
    }
  }
}

void ClientPool::Start(size_t index) {
  Client& client = clients_[index];
  client.fd = ConnectStart(server_, index / kClientsPerAddress);
  client.phase = Phase::kConnecting;
  if (has_tls_) client.tls = std::make_unique<ClientTls>();
  ++opening_count_;
  Watch(index, EPOLL_CTL_ADD, /*for_room=*/true);
}

void ClientPool::Reopen(size_t index) {
  Client& client = clients_[index];
  --open_count_;
  CloseWithReset(std::move(client.fd));
  client = Client();
  Start(index);
}

void ClientPool::Poll(int timeout_millis) {
  std::array<epoll_event, kEventsPerPass> events;
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerPass, timeout_millis);
  for (int i = 0; i < count; ++i) OnReady(events[i].data.u64, events[i].events);
  handler_.OnPassEnd();
}

void ClientPool::OnReady(size_t index, uint32_t events) {
  Client& client = clients_[index];
  if (client.phase == Phase::kLost) return;
  if (client.phase == Phase::kConnecting) {
    SendHandshake(index);
    return;
  }
  if ((events & EPOLLOUT) != 0) Flush(index);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && client.phase != Phase::kLost) Read(index);
}

void ClientPool::SendHandshake(size_t index) {
  Client& client = clients_[index];
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(client.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  if (error != 0) Die("cannot connect", true);
  client.phase = Phase::kHandshaking;
  Queue(client, HandshakeRequest(server_.host + ":" + std::to_string(server_.port),
                                 dialect_->Target(index)));
  Flush(index);
}

void ClientPool::Queue(Client& client, std::string_view bytes) {
  if (client.tls == nullptr) {
    client.out += bytes;
  } else {
    client.tls->Encrypt(bytes, client.out);
  }
}

void ClientPool::BeOpen(Client& client) {
  client.phase = Phase::kOpen;
  --opening_count_;
  ++open_count_;
}

void ClientPool::Read(size_t index) {
  Client& client = clients_[index];
  const ssize_t count = recv(client.fd.get(), buffer_.data(), buffer_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    Lose(client);
    return;
  }
  ++read_count_;
  const int64_t now_nanos = MonotonicNanos();
  std::string_view input(buffer_.data(), static_cast<size_t>(count));
  std::string plain;
  if (client.tls != nullptr) {
    plain = client.tls->Decrypt(input);
    client.tls->TakeOutput(client.out);
    input = plain;
  }
  std::string joined;
  if (!client.in.empty()) {
    joined = std::move(client.in);
    joined += input;
    input = joined;
  }
  if (client.phase == Phase::kHandshaking) input.remove_prefix(TakeHandshake(index, input));
  if (client.phase == Phase::kGreeting || client.phase == Phase::kOpen) {
    input.remove_prefix(TakeFrames(index, input, now_nanos));
  }
  if (client.phase == Phase::kLost) return;
  client.in.assign(input);
  if (client.in.empty()) client.in.shrink_to_fit();
  if (!client.out.empty() && !client.waits_for_room) Flush(index);
}

size_t ClientPool::TakeHandshake(size_t index, std::string_view input) {
  const size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() > kHandshakeAnswerBytesMax) Die("the answer to the handshake never ends");
    return 0;
  }
  const std::string_view answer = input.substr(0, end + 4);
  if (!IsHandshakeAccepted(answer)) Die("handshake refused:\n" + std::string(answer));
  Client& client = clients_[index];
  const std::string greeting = dialect_->Greeting(index);
  if (greeting.empty()) {
    BeOpen(client);
  } else {
    client.phase = Phase::kGreeting;
    AppendClientFrame(client.out, kOpcodeBinary, greeting);
  }
  return answer.size();
}

size_t ClientPool::TakeFrames(size_t index, std::string_view input, int64_t now_nanos) {
  size_t taken = 0;
  while (clients_[index].phase != Phase::kLost) {
    const ServerFrame frame = ParseServerFrame(input.substr(taken));
    if (frame.kind == ServerFrame::Kind::kNeedMore) break;
    if (frame.kind == ServerFrame::Kind::kViolation) Die("the server broke the protocol");
    taken += frame.frame_bytes;
    TakeFrame(index, frame, now_nanos);
  }
  return taken;
}

void ClientPool::TakeFrame(size_t index, const ServerFrame& frame, int64_t now_nanos) {
  switch (frame.opcode) {
    case kOpcodeText:
    case kOpcodeBinary:
      TakeMessages(index, frame.payload, now_nanos);
      break;
    case kOpcodePing:
      frame_.clear();
      AppendClientFrame(frame_, kOpcodePong, frame.payload);
      Queue(clients_[index], frame_);
      break;
    case kOpcodePong:
      break;
    default:
      Lose(clients_[index]);
  }
}

void ClientPool::TakeMessages(size_t index, std::string_view payload, int64_t now_nanos) {
  if (clients_[index].phase == Phase::kGreeting) {
    if (dialect_->IsGreeted(payload)) BeOpen(clients_[index]);
    return;
  }
  for (std::string_view message = dialect_->TakeMessage(payload); message.data() != nullptr;
       message = dialect_->TakeMessage(payload)) {
    handler_.OnMessage(index, message, now_nanos);
  }
}

void ClientPool::Lose(Client& client) {
  if (client.phase == Phase::kOpen) --open_count_;
  client.phase = Phase::kLost;
  client.fd.Reset();
  ++lost_count_;
}

void ClientPool::Append(size_t client, std::string_view payload) {
  if (clients_[client].tls == nullptr) {
    AppendClientFrame(clients_[client].out, kOpcodeText, payload);
    return;
  }
  frame_.clear();
  AppendClientFrame(frame_, kOpcodeText, payload);
  Queue(clients_[client], frame_);
}

void ClientPool::Flush(size_t index) {
  Client& client = clients_[index];
  if (client.phase == Phase::kLost) return;
  if (!client.out.empty()) {
    const ssize_t sent =
        send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      Lose(client);
      return;
    }
    if (sent > 0) client.out.erase(0, static_cast<size_t>(sent));
  }
  // A client is added waiting for room, which is how the end of connect() is told.
  const bool wants_room = !client.out.empty();
  if (wants_room != client.waits_for_room) Watch(index, EPOLL_CTL_MOD, wants_room);
}

void ClientPool::Watch(size_t index, int operation, bool for_room) {
  epoll_event event{};
  event.events = EPOLLIN | (for_room ? uint32_t{EPOLLOUT} : 0);
  event.data.u64 = index;
  if (epoll_ctl(epoll_.get(), operation, clients_[index].fd.get(), &event) != 0) {
    Die("cannot watch a socket", true);
  }
  clients_[index].waits_for_room = for_room;
}

}  // namespace longwire::bench
