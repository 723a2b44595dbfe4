// A stream of events that mends itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "longwire/cursor.h"
#include "longwire/status.h"
#include "longwire/v1/gateway.pb.h"

namespace longwire::client {

struct SubscriptionOptions {
  // -- What is delivered. --

  // Where the first stream starts. LATEST: with the next event that happens. EARLIEST: with the
  // oldest one retained. SNAPSHOT: one ENTER (`snapshot`, sequence 0) for each live session, then
  // on_snapshot_done, then what followed, without a hole.
  v1::StartAt start_at = v1::START_AT_LATEST;
  // If set, wins over `start_at`: start behind this event.
  std::optional<Cursor> after;
  // Event types wanted; empty means all.
  std::vector<v1::EventType> types;
  // Also deliver the LEAVE of a silent Kick.
  bool include_silent = false;

  // -- Sharing the events with other processes. Passed to the gateway as they are. --

  // Name of the group, [A-Za-z0-9_.-]{1,64}; empty: no group, every event comes here.
  std::string consumer_group;
  // Acknowledgements are the caller's business (`Client::Ack`); a `Consumer` sees to them itself.
  bool manual_ack = false;
  // Delivered events that may await an acknowledgement; 0 means the gateway's default, 1000.
  uint32_t unacked_events_max = 0;
  // 0 means the gateway's default, 30 s.
  std::chrono::milliseconds ack_timeout{0};

  // -- How it comes back when the stream breaks. --

  // The wait before an attempt: doubles from the first to the longest, each time shortened by up
  // to a half at random, so that a fleet does not return in step.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_longest{5000};
};

// What is called back. All on the subscription's own thread, one at a time, in the order of the
// stream, and never after Stop() has returned. A handler may take its time: the stream then waits
// and only lags. It must not throw. Any may be left empty.
struct SubscriptionHandlers {
  // Each event, in order. When it returns, the event counts as handled: the cursor stands on it.
  std::function<void(const v1::Event&)> on_event;
  // Events were lost to this subscription, before the next on_event. GAP_REASON_RETENTION: the
  // log no longer has them; what you know of sessions may be stale, so start a new subscription at
  // SNAPSHOT. GAP_REASON_RESTART: the gateway started anew; each session still alive is told
  // again as by SNAPSHOT, and at on_snapshot_done every one not told again has ended.
  std::function<void(const v1::Gap&)> on_gap;
  // The snapshot is complete; what follows is live. If a stream breaks during a snapshot, the
  // next one begins it anew, so an ENTER with `snapshot` may be told twice.
  std::function<void()> on_snapshot_done;
  // A stream stands: its first response came. Once for each (re)connect.
  std::function<void(int64_t subscription_id, const std::string& log_id)> on_connected;
  // A stream broke or could not be opened; the next attempt follows in `retry_in`.
  std::function<void(const Status&, std::chrono::milliseconds retry_in)> on_disconnected;
  // The last call, however it ends: see status().
  std::function<void(const Status&)> on_end;
};

// Made by Client::Subscribe, which starts it at once. It reads on a thread of its own and
// reconnects by itself, from its cursor, until Stop() or an answer that no retry can better:
// OUT_OF_RANGE (the cursor is beyond the log), INVALID_ARGUMENT, FAILED_PRECONDITION (the group
// has other settings), UNIMPLEMENTED, UNAUTHENTICATED, PERMISSION_DENIED.
//
// Delivery is at least once: after a crash of your process, events behind the cursor you stored
// come again. Without a crash nothing comes twice, except a snapshot begun anew (see above).
// All methods are safe from any thread.
class Subscription {
 public:
  // Stops it. REQUIRES: not called from one of its handlers.
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Ends it. Returns when the handler under way has returned and no other will be called; from
  // within a handler it only asks for the end and returns at once. Calling it again is harmless.
  void Stop();

  // Waits until it has ended, at most so long. False: it still runs.
  // REQUIRES: not called from one of its handlers.
  bool WaitForEnd(std::chrono::milliseconds at_most);

  // Why it ended: OK after Stop(), else the gateway's answer. nullopt while it runs.
  std::optional<Status> status() const;

  // The place up to which everything has been handled; store it to resume in another process.
  // Begins as `after`; without one it is nullopt until the first response came (from SNAPSHOT:
  // until the snapshot was complete).
  std::optional<Cursor> cursor() const;

  // How many log positions it is behind the end of the log, as of the latest response: 0 when it
  // has caught up. Positions that its filter skips count, until the gateway says they are covered.
  uint64_t lag() const;

 private:
  friend class Client;
  class Impl;
  explicit Subscription(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace longwire::client
