#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "tests/bench/common/raw_control.h"
#include "tests/bench/load/backend.h"
#include "tests/bench/load/live_sessions.h"
#include "tests/bench/load/push_answers.h"

namespace longwire::bench {
namespace {

constexpr size_t kNoticesPerRead = 1024;

void Append(std::string& out, const void* bytes, size_t count) {
  out.append(static_cast<const char*>(bytes), count);
}

class RawBackend final : public Backend {
 public:
  explicit RawBackend(const HostPort& control)
      : fd_(ConnectBlocking(control)), reader_([this] { ReadNotices(); }) {}

  ~RawBackend() override {
    shutdown(fd_.get(), SHUT_RDWR);
    reader_.join();
  }

  std::vector<int64_t> Sessions() override {
    const std::lock_guard lock(mutex_);
    return sessions_.list();
  }

  void Send(std::span<const Push> batch) override;

  void Broadcast(std::string_view payload) override {
    const Push to_all{.session_id = 0, .payload = payload};
    Send({&to_all, 1});
  }

  BackendCounts Counts() override {
    BackendCounts counts;
    {
      const std::lock_guard lock(mutex_);
      counts = counts_;
    }
    answers_.FillIn(counts);
    return counts;
  }

  void OnRefused(std::function<void(uint64_t)> callback) override {
    answers_.OnRefused(std::move(callback));
  }

 private:
  void ReadNotices();
  void Take(const RawNotice& notice);

  UniqueFd fd_;
  // Only in Send().
  uint64_t last_batch_id_ = 0;
  std::string out_;

  std::mutex mutex_;
  LiveSessions sessions_;
  BackendCounts counts_;                     // Of sessions and what they send.
  std::map<uint64_t, uint32_t> unanswered_;  // Pushes in each batch.

  PushAnswers answers_;

  std::thread reader_;  // Last: it uses all of the above.
};

void RawBackend::Send(std::span<const Push> batch) {
  out_.clear();
  RawBatch header{.batch_id = ++last_batch_id_, .push_count = static_cast<uint32_t>(batch.size())};
  for (const Push& push : batch) {
    header.bytes_after += static_cast<uint32_t>(sizeof(RawPush) + push.payload.size());
  }
  Append(out_, &header, sizeof(header));
  for (const Push& push : batch) {
    const RawPush record{.session_id = static_cast<uint64_t>(push.session_id),
                         .payload_bytes = static_cast<uint32_t>(push.payload.size())};
    Append(out_, &record, sizeof(record));
    out_ += push.payload;
  }
  {
    const std::lock_guard lock(mutex_);
    unanswered_[header.batch_id] = header.push_count;
  }
  if (!SendAll(fd_.get(), out_)) Die("the raw server's control connection broke", true);
}

void RawBackend::ReadNotices() {
  std::vector<char> buffer(kNoticesPerRead * sizeof(RawNotice));
  size_t held = 0;
  for (;;) {
    const ssize_t count = recv(fd_.get(), buffer.data() + held, buffer.size() - held, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    held += static_cast<size_t>(count);
    size_t taken = 0;
    for (; held - taken >= sizeof(RawNotice); taken += sizeof(RawNotice)) {
      RawNotice notice;
      std::memcpy(&notice, buffer.data() + taken, sizeof(notice));
      Take(notice);
    }
    held -= taken;
    std::memmove(buffer.data(), buffer.data() + taken, held);
  }
}

void RawBackend::Take(const RawNotice& notice) {
  std::unique_lock lock(mutex_);
  switch (notice.kind) {
    case RawNotice::kEntered:
      sessions_.Enter(static_cast<int64_t>(notice.id));
      ++counts_.entered;
      return;
    case RawNotice::kRouted:
      ++counts_.routed;
      return;
    case RawNotice::kLeft:
      sessions_.Leave(static_cast<int64_t>(notice.id));
      ++counts_.left;
      return;
  }
  const auto batch = unanswered_.extract(notice.id);
  lock.unlock();
  if (batch.empty()) Die("the raw server answered a batch that was not sent");
  const uint64_t refused = batch.mapped() - notice.accepted_count;
  answers_.Accept(notice.accepted_count);
  if (refused != 0) answers_.Refuse("SESSION_GONE", refused);
}

}  // namespace

std::unique_ptr<Backend> ConnectRawBackend(const HostPort& control) {
  return std::make_unique<RawBackend>(control);
}

}  // namespace longwire::bench
