// A member of a consumer group: events that many processes share, each handled at least once.
//
//   auto consumer = client.Consume({.group = "workers"}, {.on_event = [&](const auto& event) {
//     return Store(event) ? HandleResult::kDone : HandleResult::kRetry;
//   }});
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

struct ConsumerOptions {
  // -- What is delivered. The members of a group have to agree on `types`. --

  // Name of the group, [A-Za-z0-9_.-]{1,64}. Required.
  std::string group;
  // Where the group begins if it is new: LATEST or EARLIEST.
  v1::StartAt start_at = v1::START_AT_LATEST;
  // If set, wins over `start_at`: the group begins behind this event, if it is new.
  std::optional<Cursor> after;
  // Event types wanted; empty means all.
  std::vector<v1::EventType> types;
  // Also deliver the LEAVE of a silent Kick.
  bool include_silent = false;

  // -- How it is handled. --

  // Threads that call on_event, at least 1. Events of one uid (of one session, where anonymous)
  // are handled one after the other all the same.
  int workers = 1;
  // Events that may be here without being acknowledged; 0 means the gateway's default, 1000.
  uint32_t unacked_events_max = 0;
  // How long the gateway waits for one event before it gives it to another member: longer than the
  // slowest on_event. 0 means its default, 30 s.
  std::chrono::milliseconds ack_timeout{0};
  // The pause before on_event is called again after kRetry: doubles from the first to the longest.
  std::chrono::milliseconds retry_first{100};
  std::chrono::milliseconds retry_longest{5000};

  // -- How it comes back when the stream breaks. --

  // The wait before an attempt, likewise; each time shortened by up to a half at random.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_longest{5000};
};

// What became of an event.
enum class HandleResult : uint8_t {
  kDone,   // It is acknowledged.
  kRetry,  // It is handled again after a pause, here or by another member; what follows it of the
           // same uid waits.
};

// What is called back. None may throw. Any but on_event may be left empty.
struct ConsumerHandlers {
  // Each event, on one of `workers` threads; those of one uid one after the other and in order. It
  // may take its time, within `ack_timeout`. An event comes again if a process dies before its
  // acknowledgement has arrived, or is cut off, so handling it twice must do no harm.
  std::function<HandleResult(const v1::Event&)> on_event;

  // The rest is called on a thread of its own, one at a time.

  // Events were lost to this member. GAP_REASON_RETENTION: the log no longer has them; what you
  // know of sessions may be stale. GAP_REASON_RESTART: the gateway started anew: every session
  // known before has ended, those of now are told from their ENTER on.
  std::function<void(const v1::Gap&)> on_gap;
  // It is a member now: its first stream stands, or another after a break. What was not
  // acknowledged before comes again, to this member or another.
  std::function<void(int64_t subscription_id)> on_connected;
  // The stream broke or could not be opened; the next attempt follows in `retry_in`. With the
  // reason MEMBER_EXPIRED an event has taken longer than `ack_timeout`.
  std::function<void(const Status&, std::chrono::milliseconds retry_in)> on_disconnected;
  // The stream is over for good: see status(). An on_event may still be under way.
  std::function<void(const Status&)> on_end;
};

// Made by Client::Consume, which starts it at once. It comes back by itself when the stream breaks,
// until Stop() or an answer that no retry can better, such as INVALID_ARGUMENT (the name) or
// FAILED_PRECONDITION (the other members have other types). All methods are safe from any thread.
class Consumer {
 public:
  // Stops it. REQUIRES: not called from one of its handlers.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Leaves the group in order: begins no further event, waits for the handlers under way, sends
  // their acknowledgements (for at most 5 s), and ends the stream. No event that was handled comes
  // again then; those that were not go to the other members. Calling it again is harmless.
  // REQUIRES: not called from one of its handlers.
  void Stop();

  // Waits until it has ended, at most so long. False: it still runs.
  // REQUIRES: not called from one of its handlers.
  bool WaitForEnd(std::chrono::milliseconds at_most);

  // Why it ended: OK after Stop(), else the gateway's answer. nullopt while it runs.
  std::optional<Status> status() const;

  // How far the group - all its members together - is behind the end of the log, in sequences, as
  // of the latest response, which is at most a second old while anything happens: 0 = all that
  // happened is dealt with.
  uint64_t lag() const;
  // The group's place, as of the same response. Store it and pass it as `after` when your process
  // starts anew: if the gateway has restarted too, a Gap tells. nullopt before the first response.
  std::optional<Cursor> cursor() const;
  // Events that are here and not acknowledged: being handled, or waiting for their turn.
  size_t unacked() const;
  // Events that on_event has dealt with (kDone), since the start.
  uint64_t handled() const;

 private:
  friend class Client;
  class Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace longwire::client
