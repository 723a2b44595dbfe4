// longwire-demo-chat: a whole backend in one file, to start your own from. It subscribes to the
// gateway's events, lets ChatRoom decide who is told what, and carries that over a RouteStream.
// It may be started before the gateway, and outlives the gateway's restarts.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <memory>

#include "client/examples/chat_room.h"
#include "longwire/client.h"

namespace longwire::examples {

namespace {

using client::Client;
using client::ClientOptions;
using client::RouteStream;
using client::SendResult;
using client::Status;
using client::Subscription;
using client::Target;
using client::Text;
using std::chrono::milliseconds;

// Wakes the main thread out of sigwait: it looks at what the handlers have left for it.
constexpr int kLook = SIGUSR1;

class ChatBackend {
 public:
  explicit ChatBackend(const ClientOptions& options)
      : address_(options.address),
        client_(options),
        answers_(client_.OpenRouteStream()),
        room_([this](int64_t session_id, const std::string& line) { Say(session_id, line); }) {}

  // Until a signal, or until the gateway refuses for good. Returns the exit code.
  int Run(const sigset_t& signals) {
    while (true) {
      // Behind a gap, state is rebuilt by the same snapshot that built it at the start.
      resync_ = false;
      room_.BeginSnapshot();
      auto events = Subscribe();
      int signal = 0;
      do {
        sigwait(&signals, &signal);
      } while (signal == kLook && !resync_ && !events->status());
      if (signal != kLook) stopping_ = true;
      events->Stop();
      if (stopping_) break;
      if (const auto status = events->status(); !status->ok()) {
        std::fprintf(stderr, "chat: the gateway refuses: %s\n", status->ToString().c_str());
        return 1;
      }
    }
    answers_->Close(milliseconds(2000));
    std::printf("chat: bye\n");
    return 0;
  }

 private:
  std::unique_ptr<Subscription> Subscribe() {
    return client_.Subscribe(
        {.start_at = v1::START_AT_SNAPSHOT},
        {.on_event = [this](const v1::Event& event) { room_.OnEvent(event); },
         .on_gap = [this](const v1::Gap& gap) { OnGap(gap); },
         .on_snapshot_done = [this] { OnSnapshotDone(); },
         .on_connected =
             [](int64_t, const std::string& log_id) {
               std::printf("chat: ready: following log %s\n", log_id.c_str());
               std::fflush(stdout);
             },
         .on_disconnected =
             [this](const Status& status, milliseconds retry_in) {
               std::fprintf(stderr, "chat: no stream from %s, next try in %lld ms: %s\n",
                            address_.c_str(), static_cast<long long>(retry_in.count()),
                            status.ToString().c_str());
             },
         .on_end = [](const Status&) { kill(getpid(), kLook); }});
  }

  void OnGap(const v1::Gap& gap) {
    // After a restart the gateway tells the live sessions by itself, on this same stream. Where
    // the log is too short, only a new snapshot can say who has gone meanwhile.
    if (gap.reason() == v1::GAP_REASON_RESTART) {
      room_.BeginSnapshot();
      return;
    }
    std::fprintf(stderr, "chat: events were lost to retention; asking for a snapshot\n");
    resync_ = true;
    kill(getpid(), kLook);
  }

  void OnSnapshotDone() {
    room_.OnSnapshotDone();
    std::printf("chat: %zu here\n", room_.size());
    std::fflush(stdout);
  }

  // While too much is unanswered this waits, and with it the stream of events: we lag, and lose
  // nothing.
  void Say(int64_t session_id, const std::string& line) {
    while (!stopping_) {
      switch (answers_->Send(Target::Session(session_id), Text(line), OnAnswer)) {
        case SendResult::kQueued:
          return;
        case SendResult::kFull:
          answers_->WaitForRoom(milliseconds(200));
          break;
        case SendResult::kInvalid:
          std::fprintf(stderr, "chat: not sendable: %s\n", line.c_str());
          return;
        case SendResult::kClosed:
          std::fprintf(stderr, "chat: cannot answer: %s\n", answers_->status().ToString().c_str());
          return;
      }
    }
  }

  static void OnAnswer(const Status& status) {
    // Gone: its LEAVE is on the way to us.
    if (status.ok() || status.code == grpc::StatusCode::NOT_FOUND) return;
    std::fprintf(stderr, "chat: a line was not delivered: %s\n", status.ToString().c_str());
  }

  const std::string address_;
  Client client_;
  const std::unique_ptr<RouteStream> answers_;
  // Only in handlers, and on the main thread while no subscription lives.
  ChatRoom room_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> resync_{false};
};

}  // namespace

}  // namespace longwire::examples

int main(int argc, char** argv) {
  CLI::App app("A small chat behind a longwire gateway.", "longwire-demo-chat");
  longwire::client::ClientOptions options;
  app.add_option("--address", options.address, "The gateway's gRPC address")
      ->envname("LONGWIRE_ADDRESS")
      ->capture_default_str();
  app.add_option("--token-file", options.token_file, "File with the bearer token for gRPC")
      ->envname("LONGWIRE_TOKEN_FILE");
  longwire::client::TlsOptions tls;
  app.add_option("--tls-ca", tls.ca_file, "Speak TLS, and trust only the CAs in this PEM file")
      ->envname("LONGWIRE_TLS_CA");
  CLI11_PARSE(app, argc, argv);
  if (!tls.ca_file.empty()) {
    if (const auto status = UseTls(tls, &options); !status.ok()) {
      std::fprintf(stderr, "chat: %s\n", status.text.c_str());
      return 2;
    }
  }

  // Before any thread starts, so that all inherit it and only sigwait takes them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, longwire::examples::kLook}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return longwire::examples::ChatBackend(options).Run(signals);
}
