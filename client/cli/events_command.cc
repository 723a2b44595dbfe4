#include <cstdio>
#include <optional>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/event_text.h"
#include "client/cli/wait_for_stop.h"

namespace longwire::client::cli {

namespace {

// The tail. Handlers run on the subscription's thread; the main thread only waits for the end.
class Tail {
 public:
  Tail(const ClientOptions& client, const EventsOptions& options)
      : client_options_(client), options_(options) {}

  int Run() {
    Client client(client_options_);
    auto subscription = client.Subscribe(
        options_.subscription,
        {.on_event = [this](const v1::Event& event) { OnEvent(event); },
         .on_gap =
             [this](const v1::Gap& gap) { Print(options_.json ? GapJson(gap) : GapLine(gap)); },
         .on_snapshot_done = [this] { OnSnapshotDone(); },
         .on_connected = [this](int64_t, const std::string& log_id) { OnConnected(log_id); },
         .on_disconnected = [this](const Status& status,
                                   std::chrono::milliseconds) { OnDisconnected(status); },
         .on_end = [this](const Status&) { stop_.Notify(); }});
    stop_.Wait(options_.duration);
    subscription->Stop();
    // With --count, what was printed counts, not what came behind it.
    const auto cursor = stopped_at_ ? stopped_at_ : subscription->cursor();
    if (cursor && connected_) {
      std::fprintf(stderr, "longwire: resume with --after %s\n", cursor->ToString().c_str());
    }
    if (!failure_.ok()) return Fail(client_options_, failure_);
    if (const auto status = subscription->status(); status && !status->ok()) {
      return Fail(client_options_, *status);
    }
    if (options_.duration && !connected_) {
      return Fail(client_options_, {.code = grpc::StatusCode::UNAVAILABLE,
                                    .text = "the gateway has not answered in that time"});
    }
    if (options_.duration && seen_ < options_.count) {
      std::fprintf(stderr, "longwire: only %llu of %llu events came in that time\n",
                   static_cast<unsigned long long>(seen_),
                   static_cast<unsigned long long>(options_.count));
      return 1;
    }
    return 0;
  }

 private:
  void OnEvent(const v1::Event& event) {
    if (options_.count > 0 && seen_ >= options_.count) return;
    Print(options_.json ? EventJson(event) : EventLine(event));
    if (++seen_ != options_.count) return;
    if (!event.snapshot()) stopped_at_ = Cursor{log_id_, event.sequence()};
    stop_.Notify();
  }

  void OnSnapshotDone() {
    if (options_.json) {
      Print(std::string(SnapshotDoneJson()));
    } else {
      Print("SNAPSHOT DONE");
    }
  }

  void OnConnected(const std::string& log_id) {
    std::fprintf(stderr, "longwire: ready: following log %s of %s\n", log_id.c_str(),
                 client_options_.address.c_str());
    connected_ = true;
    log_id_ = log_id;
  }

  // A gateway that was never there is an error; one that went away is waited for.
  void OnDisconnected(const Status& status) {
    if (!connected_) {
      if (failure_.ok()) failure_ = status;
      stop_.Notify();
      return;
    }
    std::fprintf(stderr, "longwire: the gateway went away (%s); trying again until it is back\n",
                 status.ToString().c_str());
  }

  void Print(const std::string& line) {
    std::fputs(line.c_str(), stdout);
    std::fputc('\n', stdout);
    // Who reads through a pipe wants each event when it happens.
    std::fflush(stdout);
  }

  const ClientOptions& client_options_;
  const EventsOptions& options_;
  StopWaiter stop_;

  // Only on the subscription's thread, and on the main thread after Stop().
  bool connected_ = false;
  uint64_t seen_ = 0;
  std::string log_id_;
  std::optional<Cursor> stopped_at_;
  Status failure_;
};

}  // namespace

int RunEvents(const ClientOptions& client, const EventsOptions& options) {
  return Tail(client, options).Run();
}

}  // namespace longwire::client::cli
