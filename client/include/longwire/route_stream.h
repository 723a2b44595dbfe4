// The fast path to the sessions: many routes in one message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "longwire/message.h"
#include "longwire/status.h"
#include "longwire/v1/gateway.pb.h"

namespace longwire::client {

// What Send did with the route. Switch over all four.
enum class SendResult {
  // Taken: it is sent in order, and its handler is called exactly once.
  kQueued,
  // Too much is unanswered. Nothing was taken; slow down (WaitForRoom), or drop it knowingly.
  kFull,
  // Can never succeed: text or uid not UTF-8, uid empty, no body, or too big for one batch.
  kInvalid,
  // Close() was called, or the gateway refuses the stream for good: see status().
  kClosed,
};

struct RouteStreamOptions {
  // Routes and bytes taken by Send and not yet answered; over either, Send says kFull.
  size_t unanswered_routes_max = 65536;
  size_t unanswered_bytes_max = size_t{32} << 20;
  // Routes in one request. More makes a call cheaper and its answers later.
  size_t batch_routes_max = 1024;
  // Requests on their way at once. While that many are, routes gather into the next one.
  size_t batches_in_flight_max = 16;
  // How long a route waits for the gateway to be reachable, before it is answered UNAVAILABLE,
  // reason CLIENT_NOT_SENT.
  std::chrono::milliseconds waiting_max{10'000};
};

// Made by Client::OpenRouteStream. It keeps one stream to the gateway open, puts everything that
// is waiting into one request, and reconnects by itself. One thread's routes to one session arrive
// in the order it sent them. Routes under way when the stream breaks are answered UNAVAILABLE,
// reason CLIENT_STREAM_BROKEN: each may or may not have been delivered, and sending it again may
// deliver it twice. Routes that still waited are sent on the next stream. All methods are safe
// from any thread.
class RouteStream {
 public:
  // The answer to one route, called once, on a thread of the stream, one at a time. It may Send;
  // it must not throw, Flush, Close, WaitForRoom or take long: answers behind it wait.
  using AnswerHandler = std::function<void(const Status&)>;

  struct Stats {
    uint64_t queued = 0;      // taken by Send
    uint64_t accepted = 0;    // answered OK
    uint64_t failed = 0;      // answered with anything else, with a handler or without
    uint64_t batches = 0;     // requests written
    uint64_t reconnects = 0;  // streams that broke
  };

  // Close() without waiting: what is unanswered is answered as described there.
  // REQUIRES: not called from an AnswerHandler.
  ~RouteStream();
  RouteStream(const RouteStream&) = delete;
  RouteStream& operator=(const RouteStream&) = delete;

  // Takes one route. Never blocks. Anything but kQueued: `on_answer` is not called.
  [[nodiscard]] SendResult Send(const Target& target, v1::Message message,
                                AnswerHandler on_answer = nullptr);

  // Waits until Send would find room, at most so long. False: still full, or closed.
  bool WaitForRoom(std::chrono::milliseconds at_most);

  // Waits until everything taken before this call has been answered and its handlers have
  // returned, at most so long. False: not yet.
  bool Flush(std::chrono::milliseconds at_most);

  // Takes no more, waits at most so long for the answers to what was taken, then cuts: what was
  // under way is answered UNAVAILABLE (CLIENT_STREAM_BROKEN), what still waited CANCELLED
  // (CLIENT_NOT_SENT). When it returns, every handler has returned. Calling it again is harmless.
  void Close(std::chrono::milliseconds at_most);

  // OK, or why the gateway refuses this stream for good (UNIMPLEMENTED, FAILED_PRECONDITION,
  // UNAUTHENTICATED, PERMISSION_DENIED); Send then says kClosed, and what was waiting has been
  // answered with it.
  Status status() const;

  Stats stats() const;

 private:
  friend class Client;
  class Impl;
  explicit RouteStream(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace longwire::client
