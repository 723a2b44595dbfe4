#include "tests/bench/raw/raw_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tests/bench/raw/frames.h"
#include "tests/bench/raw/handshake.h"

namespace longwire::bench {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kEventsPerPass = 256;
constexpr int kAcceptsPerPass = 64;

// An ID is the descriptor and a number that grows, so that an ID of a session that has gone is
// known to be stale without a table.
constexpr int kDescriptorBits = 32;

int DescriptorOf(uint64_t id) {
  return static_cast<int>(id & ((uint64_t{1} << kDescriptorBits) - 1));
}

}  // namespace

RawServer::RawServer(UniqueFd ws_listener, UniqueFd control_listener, const Options& options)
    : has_echo_(options.has_echo),
      ws_listener_(std::move(ws_listener)),
      control_listener_(std::move(control_listener)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kReadBytes),
      control_buffer_(options.control_read_bytes) {
  Watch(ws_listener_.get(), EPOLL_CTL_ADD, EPOLLIN);
  Watch(control_listener_.get(), EPOLL_CTL_ADD, EPOLLIN);
}

void RawServer::Run(int stop_fd) {
  Watch(stop_fd, EPOLL_CTL_ADD, EPOLLIN);
  std::array<epoll_event, kEventsPerPass> events;
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerPass, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == stop_fd) return;
      OnReady(events[i].data.fd, events[i].events);
    }
    FlushTouched();
    FlushNotices();
  }
}

void RawServer::OnReady(int fd, uint32_t events) {
  if (fd == ws_listener_.get()) {
    AcceptSessions();
  } else if (fd == control_listener_.get()) {
    AcceptControl();
  } else if (fd == control_.get()) {
    ReadControl();
  } else {
    if ((events & EPOLLOUT) != 0) Flush(fd);
    if ((events & ~uint32_t{EPOLLOUT}) != 0) ReadSession(fd);
  }
}

void RawServer::AcceptSessions() {
  for (int i = 0; i < kAcceptsPerPass; ++i) {
    const int fd = accept4(ws_listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    SetNoDelay(fd);
    if (static_cast<size_t>(fd) >= sessions_.size()) sessions_.resize(fd + 1);
    sessions_[fd] = Session();
    Watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

void RawServer::AcceptControl() {
  UniqueFd fd(accept4(control_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  // One publisher at a time is all that is measured.
  if (fd.get() < 0 || control_.get() >= 0) return;
  SetNoDelay(fd.get());
  control_ = std::move(fd);
  control_held_ = 0;
  Watch(control_.get(), EPOLL_CTL_ADD, EPOLLIN);
}

void RawServer::ReadControl() {
  const ssize_t count = recv(control_.get(), control_buffer_.data() + control_held_,
                             control_buffer_.size() - control_held_, 0);
  if (count <= 0) {
    control_.Reset();
    return;
  }
  control_held_ += static_cast<size_t>(count);
  const size_t taken = TakeBatches({control_buffer_.data(), control_held_});
  control_held_ -= taken;
  std::memmove(control_buffer_.data(), control_buffer_.data() + taken, control_held_);
}

size_t RawServer::TakeBatches(std::span<const char> input) {
  size_t taken = 0;
  while (input.size() - taken >= sizeof(RawBatch)) {
    RawBatch batch;
    std::memcpy(&batch, input.data() + taken, sizeof(batch));
    if (batch.bytes_after > kRawBatchBytesMax) Die("a batch is too long");
    const size_t batch_bytes = sizeof(batch) + batch.bytes_after;
    if (batch_bytes > control_buffer_.size()) {
      control_buffer_.resize(batch_bytes);
      break;
    }
    if (input.size() - taken < batch_bytes) break;
    const RawNotice answer{
        .kind = RawNotice::kAnswered,
        .accepted_count = TakePushes(batch, input.data() + taken + sizeof(batch)),
        .id = batch.batch_id};
    notices_.append(reinterpret_cast<const char*>(&answer), sizeof(answer));
    taken += batch_bytes;
  }
  return taken;
}

uint32_t RawServer::TakePushes(const RawBatch& batch, const char* at) {
  const char* const end = at + batch.bytes_after;
  uint32_t accepted_count = 0;
  for (uint32_t i = 0; i < batch.push_count; ++i) {
    RawPush push;
    if (end - at < static_cast<ptrdiff_t>(sizeof(push))) Die("a batch is malformed");
    std::memcpy(&push, at, sizeof(push));
    at += sizeof(push);
    if (end - at < static_cast<ptrdiff_t>(push.payload_bytes)) Die("a batch is malformed");
    const int fd = DescriptorOf(push.session_id);
    if (push.session_id == 0) {
      PushToAll({at, push.payload_bytes});
      ++accepted_count;
    } else if (static_cast<size_t>(fd) < sessions_.size() && sessions_[fd].id == push.session_id) {
      AppendServerFrame(Out(fd), kFrameText, {at, push.payload_bytes});
      ++accepted_count;
    }
    at += push.payload_bytes;
  }
  return accepted_count;
}

void RawServer::PushToAll(std::string_view payload) {
  for (size_t fd = 0; fd < sessions_.size(); ++fd) {
    if (sessions_[fd].id != 0) AppendServerFrame(Out(static_cast<int>(fd)), kFrameText, payload);
  }
}

void RawServer::ReadSession(int fd) {
  const ssize_t count = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    Close(fd);
    return;
  }
  std::span<char> input(buffer_.data(), static_cast<size_t>(count));
  const std::unique_ptr<std::string> held = std::move(sessions_[fd].in);
  if (held != nullptr) {
    held->append(input.data(), input.size());
    input = {held->data(), held->size()};
  }
  if (!sessions_[fd].is_open) input = input.subspan(TakeHandshake(fd, input));
  if (sessions_[fd].is_open) input = input.subspan(TakeFrames(fd, input));
  if (!input.empty()) {
    sessions_[fd].in = std::make_unique<std::string>(input.data(), input.size());
  }
}

size_t RawServer::TakeHandshake(int fd, std::span<char> input) {
  const std::string_view text(input.data(), input.size());
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string answer = AnswerHandshake(text.substr(0, end + 2));
  if (answer.empty()) {
    Close(fd);
    return input.size();
  }
  Session& session = sessions_[fd];
  Out(fd) += answer;
  session.is_open = true;
  session.id = uint64_t{++last_generation_} << kDescriptorBits | static_cast<uint64_t>(fd);
  Notice(RawNotice::kEntered, session.id);
  return end + 4;
}

void RawServer::Notice(RawNotice::Kind kind, uint64_t session_id) {
  const RawNotice notice{.kind = kind, .id = session_id};
  if (control_.get() < 0) return;
  notices_.append(reinterpret_cast<const char*>(&notice), sizeof(notice));
}

size_t RawServer::TakeFrames(int fd, std::span<char> input) {
  size_t taken = 0;
  for (;;) {
    const ClientFrame frame = ParseClientFrame(input.subspan(taken));
    if (frame.frame_bytes == 0) return taken;
    taken += frame.frame_bytes;
    if (frame.opcode == kFrameClose) {
      Close(fd);
      return input.size();
    }
    if (frame.opcode == kFramePong) continue;
    if (!has_echo_ && frame.opcode != kFramePing) {
      Notice(RawNotice::kRouted, sessions_[fd].id);
      continue;
    }
    const uint8_t answer = frame.opcode == kFramePing ? kFramePong : frame.opcode;
    AppendServerFrame(Out(fd), answer, frame.payload);
  }
}

std::string& RawServer::Out(int fd) {
  Session& session = sessions_[fd];
  if (session.out == nullptr) {
    if (spare_.empty()) spare_.push_back(std::make_unique<std::string>());
    session.out = std::move(spare_.back());
    spare_.pop_back();
  }
  if (!session.is_touched) {
    session.is_touched = true;
    touched_.push_back(fd);
  }
  return *session.out;
}

void RawServer::FlushTouched() {
  for (const int fd : touched_) {
    sessions_[fd].is_touched = false;
    if (!sessions_[fd].waits_for_room) Flush(fd);
  }
  touched_.clear();
}

void RawServer::FlushNotices() {
  // Blocking: the publisher always reads.
  if (control_.get() >= 0 && !SendAll(control_.get(), notices_)) control_.Reset();
  notices_.clear();
}

void RawServer::Flush(int fd) {
  Session& session = sessions_[fd];
  if (session.out == nullptr) return;
  const ssize_t sent = send(fd, session.out->data(), session.out->size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    Close(fd);
    return;
  }
  if (sent > 0) session.out->erase(0, static_cast<size_t>(sent));
  if (session.out->empty()) spare_.push_back(std::move(session.out));
  const bool wants_room = session.out != nullptr;
  if (wants_room == session.waits_for_room) return;
  session.waits_for_room = wants_room;
  Watch(fd, EPOLL_CTL_MOD, EPOLLIN | (wants_room ? uint32_t{EPOLLOUT} : 0));
}

void RawServer::Close(int fd) {
  if (sessions_[fd].id != 0) Notice(RawNotice::kLeft, sessions_[fd].id);
  // A touched session of this descriptor stays in the list of this pass; Flush() finds no buffer.
  sessions_[fd] = Session();
  const UniqueFd closed(fd);
}

void RawServer::Watch(int fd, int operation, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) Die("cannot watch a socket", true);
}

}  // namespace longwire::bench
