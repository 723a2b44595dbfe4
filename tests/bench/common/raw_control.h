#pragma once

#include <cstdint>

// The control connection of the baseline server: plain TCP, numbers in the byte order of the
// machine (both ends are on it). It does what SubscribeEvents and RouteStream do for a backend, at
// the least cost that still does it: sessions are told, pushes come in batches, each batch is
// answered once.
namespace longwire::bench {

// Server to publisher: 16 bytes each.
struct RawNotice {
  enum Kind : uint32_t {
    kEntered = 1,   // id: the new session
    kAnswered = 2,  // id: the batch; accepted_count: how many of its pushes found their session
    kLeft = 3,      // id: the session that has ended
    kRouted = 4,    // id: the session that has sent a message; only with --no-echo
  };

  uint32_t kind = 0;
  uint32_t accepted_count = 0;
  uint64_t id = 0;
};
static_assert(sizeof(RawNotice) == 16);

// Publisher to server: this header, then push_count times RawPush and its payload, bytes_after
// bytes in all.
struct RawBatch {
  uint64_t batch_id = 0;
  uint32_t push_count = 0;
  uint32_t bytes_after = 0;
};
static_assert(sizeof(RawBatch) == 16);

struct RawPush {
  uint64_t session_id = 0;  // 0 = all of them
  uint32_t payload_bytes = 0;
  uint32_t unused = 0;
};
static_assert(sizeof(RawPush) == 16);

// A batch that is longer ends the connection.
inline constexpr uint32_t kRawBatchBytesMax = 8 * 1024 * 1024;

}  // namespace longwire::bench
