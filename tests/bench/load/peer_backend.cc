// The publisher's connection to a peer that tells of no sessions: it is a stream of text, one way
// what is published, the other way what the server says of that.
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <thread>

#include "tests/bench/load/backend.h"
#include "tests/bench/load/dialect.h"

namespace longwire::bench {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

class PeerBackend : public Backend {
 public:
  std::vector<int64_t> Sessions() override {
    std::vector<int64_t> sessions;
    for (size_t i = 1; i <= open_count_; ++i) sessions.push_back(static_cast<int64_t>(i));
    return sessions;
  }

  void NoteOpen(size_t count) override { open_count_ = count; }

  void Send(std::span<const Push> batch) override {
    out_.clear();
    for (const Push& push : batch) AppendPublish(ChannelOf(push.session_id), push.payload, out_);
    Say(out_);
  }

  void Broadcast(std::string_view payload) override {
    out_.clear();
    AppendPublish(kChannelOfAll, payload, out_);
    Say(out_);
  }

  BackendCounts Counts() override {
    return {.entered = open_count_, .accepted = accepted_.load(std::memory_order_relaxed)};
  }

  // Whatever a peer refuses ends the process: nothing here is beyond its bounds.
  void OnRefused(std::function<void(uint64_t)>) override {}

 protected:
  explicit PeerBackend(const HostPort& address) : fd_(ConnectBlocking(address)) {}

  // What publishes a payload is appended to `out`.
  virtual void AppendPublish(std::string_view channel, std::string_view payload,
                             std::string& out) const = 0;
  // Works off what the server has said and returns how much of it that was. On the reader's thread.
  virtual size_t TakeAnswers(std::string_view input) = 0;

  void StartReading() {
    reader_ = std::thread([this] { ReadAnswers(); });
  }
  // REQUIRES: called by the destructor of whoever has TakeAnswers.
  void StopReading() {
    shutdown(fd_.get(), SHUT_RDWR);
    reader_.join();
  }
  // Any thread.
  void Say(std::string_view bytes) {
    const std::lock_guard lock(send_mutex_);
    if (!SendAll(fd_.get(), bytes)) Die("the publisher's connection broke", true);
  }
  void CountAccepted() { accepted_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void ReadAnswers() {
    std::string held;
    std::vector<char> buffer(kReadBytes);
    for (;;) {
      const ssize_t count = recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      held.append(buffer.data(), static_cast<size_t>(count));
      held.erase(0, TakeAnswers(held));
    }
  }

  UniqueFd fd_;
  std::mutex send_mutex_;
  std::string out_;  // Only in Send and Broadcast.
  std::atomic<size_t> open_count_{0};
  std::atomic<uint64_t> accepted_{0};
  std::thread reader_;
};

// NATS says nothing of what it takes: what a client receives is all that is known.
class NatsBackend final : public PeerBackend {
 public:
  explicit NatsBackend(const HostPort& address) : PeerBackend(address) {
    StartReading();
    Say(kNatsConnect);
  }
  ~NatsBackend() override { StopReading(); }

 private:
  void AppendPublish(std::string_view channel, std::string_view payload,
                     std::string& out) const override {
    out.append("PUB ").append(channel).append(" ").append(std::to_string(payload.size()));
    out.append("\r\n").append(payload).append("\r\n");
  }

  size_t TakeAnswers(std::string_view input) override {
    size_t taken = 0;
    for (size_t end = input.find("\r\n"); end != std::string_view::npos;
         end = input.find("\r\n", taken)) {
      const std::string_view line = input.substr(taken, end - taken);
      if (line.starts_with("-ERR")) Die("nats: " + std::string(line));
      if (line == "PING") Say("PONG\r\n");
      taken = end + 2;
    }
    return taken;
  }
};

// A POST for each message, all on one connection and without waiting for the answers.
class NchanBackend final : public PeerBackend {
 public:
  explicit NchanBackend(const HostPort& address) : PeerBackend(address) { StartReading(); }
  ~NchanBackend() override { StopReading(); }

 private:
  void AppendPublish(std::string_view channel, std::string_view payload,
                     std::string& out) const override {
    out.append("POST /pub?id=").append(channel).append(" HTTP/1.1\r\nHost: bench\r\n");
    out.append("Content-Type: text/plain\r\nContent-Length: ");
    out.append(std::to_string(payload.size())).append("\r\n\r\n").append(payload);
  }

  size_t TakeAnswers(std::string_view input) override {
    size_t taken = 0;
    while (true) {
      const std::string_view rest = input.substr(taken);
      const size_t head_end = rest.find("\r\n\r\n");
      if (head_end == std::string_view::npos) return taken;
      const std::string_view head = rest.substr(0, head_end + 2);
      if (!head.starts_with("HTTP/1.1 20")) Die("nchan: " + std::string(head));
      constexpr std::string_view kLength = "Content-Length: ";
      size_t body_bytes = 0;
      if (const size_t at = head.find(kLength); at != std::string_view::npos) {
        std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), body_bytes);
      }
      if (rest.size() < head_end + 4 + body_bytes) return taken;
      taken += head_end + 4 + body_bytes;
      CountAccepted();
    }
  }
};

}  // namespace

std::unique_ptr<Backend> ConnectNatsBackend(const HostPort& address) {
  return std::make_unique<NatsBackend>(address);
}

std::unique_ptr<Backend> ConnectNchanBackend(const HostPort& address) {
  return std::make_unique<NchanBackend>(address);
}

}  // namespace longwire::bench
