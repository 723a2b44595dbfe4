#include <atomic>
#include <cstdio>
#include <optional>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/event_text.h"
#include "client/cli/printable.h"
#include "client/cli/wait_for_stop.h"

namespace longwire::client::cli {

namespace {

// The tail. Handlers run on the subscription's thread, or on that of the consumer's worker; the
// main thread only waits for the end.
class Tail {
 public:
  Tail(const ClientOptions& client, const EventsOptions& options)
      : client_options_(client), options_(options) {}

  int Run() {
    Client client(client_options_);
    return options_.ack ? RunMember(client) : RunSubscription(client);
  }

 private:
  int RunSubscription(const Client& client) {
    auto subscription = client.Subscribe(
        options_.subscription,
        {.on_event = [this](const v1::Event& event) { OnEvent(event); },
         .on_gap = [this](const v1::Gap& gap) { OnGap(gap); },
         .on_snapshot_done = [this] { OnSnapshotDone(); },
         .on_connected = [this](int64_t, const std::string& log_id) { OnConnected(log_id); },
         .on_disconnected = [this](const Status& status,
                                   std::chrono::milliseconds) { OnDisconnected(status); },
         .on_end = [this](const Status&) { stop_.Notify(); }});
    stop_.Wait(options_.duration);
    subscription->Stop();
    // With --count, what was printed counts, not what came behind it. A group keeps its own place.
    const auto cursor = stopped_at_ ? stopped_at_ : subscription->cursor();
    if (cursor && connected_ && options_.subscription.consumer_group.empty()) {
      std::fprintf(stderr, "longwire: resume with --after %s\n", cursor->ToString().c_str());
    }
    return Finish(subscription->status());
  }

  int RunMember(const Client& client) {
    const SubscriptionOptions& wanted = options_.subscription;
    auto consumer = client.Consume(
        {.group = wanted.consumer_group,
         .start_at = wanted.start_at,
         .after = wanted.after,
         .types = wanted.types,
         .include_silent = wanted.include_silent,
         .unacked_events_max = wanted.unacked_events_max,
         .ack_timeout = wanted.ack_timeout},
        {.on_event =
             [this](const v1::Event& event) {
               // What is not printed is not acknowledged either: it goes to another member.
               return OnEvent(event) ? HandleResult::kDone : HandleResult::kRetry;
             },
         .on_gap = [this](const v1::Gap& gap) { OnGap(gap); },
         .on_connected = [this](int64_t) { OnConnected(""); },
         .on_disconnected = [this](const Status& status,
                                   std::chrono::milliseconds) { OnDisconnected(status); },
         .on_end = [this](const Status&) { stop_.Notify(); }});
    stop_.Wait(options_.duration);
    consumer->Stop();
    if (connected_) {
      std::fprintf(stderr, "longwire: acknowledged %llu events; the group is %llu behind\n",
                   static_cast<unsigned long long>(consumer->handled()),
                   static_cast<unsigned long long>(consumer->lag()));
    }
    return Finish(consumer->status());
  }

  int Finish(const std::optional<Status>& status) {
    if (!failure_.ok()) return Fail(client_options_, failure_);
    if (status && !status->ok()) return Fail(client_options_, *status);
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

  // False when it is one more than was asked for.
  bool OnEvent(const v1::Event& event) {
    if (options_.count > 0 && seen_ >= options_.count) return false;
    Print(options_.json ? EventJson(event) : EventLine(event));
    if (++seen_ != options_.count) return true;
    if (!event.snapshot() && !options_.ack) stopped_at_ = Cursor{log_id_, event.sequence()};
    stop_.Notify();
    return true;
  }

  void OnGap(const v1::Gap& gap) { Print(options_.json ? GapJson(gap) : GapLine(gap)); }

  void OnSnapshotDone() {
    if (options_.json) {
      Print(std::string(SnapshotDoneJson()));
    } else {
      Print("SNAPSHOT DONE");
    }
  }

  void OnConnected(const std::string& log_id) {
    const std::string& group = options_.subscription.consumer_group;
    const std::string what = group.empty() ? "following log " + log_id : "in group " + group;
    std::fprintf(stderr, "longwire: ready: %s of %s\n", what.c_str(),
                 client_options_.address.c_str());
    connected_ = true;
    if (!options_.ack) log_id_ = log_id;
  }

  // A gateway that was never there is an error; one that went away is waited for.
  void OnDisconnected(const Status& status) {
    if (!connected_) {
      if (failure_.ok()) failure_ = status;
      stop_.Notify();
      return;
    }
    const bool was_too_slow = status.code == grpc::StatusCode::ABORTED;
    std::fprintf(stderr, "longwire: %s (%s); trying again until it is back\n",
                 was_too_slow ? "cut off from the group" : "the gateway went away",
                 Printable(status.ToString()).c_str());
  }

  void Print(const std::string& line) {
    // In one piece: gaps are told by another thread than events.
    std::fputs((line + '\n').c_str(), stdout);
    // Who reads through a pipe wants each event when it happens.
    std::fflush(stdout);
  }

  const ClientOptions& client_options_;
  const EventsOptions& options_;
  StopWaiter stop_;

  // Told by the subscription's thread, and read by all.
  std::atomic<bool> connected_{false};

  // Only on the thread that tells events, and on the main thread after Stop().
  uint64_t seen_ = 0;
  std::string log_id_;  // Without --ack.
  std::optional<Cursor> stopped_at_;
  Status failure_;
};

}  // namespace

int RunEvents(const ClientOptions& client, const EventsOptions& options) {
  return Tail(client, options).Run();
}

}  // namespace longwire::client::cli
