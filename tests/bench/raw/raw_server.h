#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/common/net.h"
#include "tests/bench/common/raw_control.h"

namespace longwire::bench {

// What a WebSocket server costs that does nothing but move bytes: one thread, one epoll, sessions
// in an array by descriptor. It echoes what clients send, and pushes what comes on the control
// connection (common/raw_control.h). It batches as a good server does: all that one pass has for a
// session leaves in one send.
//
// It is a yardstick, not a server: no limits, no timeouts, no checks of well-formedness, no UTF-8.
class RawServer {
 public:
  struct Options {
    // What is read of pushes a pass: the more, the more frames for one session there are to leave
    // in one send.
    size_t control_read_bytes = 64 * 1024;
    // What clients send is sent back to them; else the publisher is told of it.
    bool has_echo = true;
  };

  RawServer(UniqueFd ws_listener, UniqueFd control_listener, const Options& options);

  // Serves until `stop_fd` is readable.
  void Run(int stop_fd);

 private:
  // Two pointers, both null when idle, and the ID.
  struct Session {
    uint64_t id = 0;  // 0: no session on this descriptor, or still in its handshake.
    std::unique_ptr<std::string> in;   // An incomplete request or frame.
    std::unique_ptr<std::string> out;  // What leaves at the end of the pass.
    bool is_open = false;
    bool is_touched = false;
    bool waits_for_room = false;
  };

  void OnReady(int fd, uint32_t events);
  void AcceptSessions();
  void AcceptControl();
  void ReadControl();
  size_t TakeBatches(std::span<const char> input);
  uint32_t TakePushes(const RawBatch& batch, const char* at);
  void PushToAll(std::string_view payload);
  void ReadSession(int fd);
  size_t TakeHandshake(int fd, std::span<char> input);
  size_t TakeFrames(int fd, std::span<char> input);
  // The session's buffer for this pass; the session is flushed at its end.
  std::string& Out(int fd);
  void Notice(RawNotice::Kind kind, uint64_t session_id);
  void FlushTouched();
  void FlushNotices();
  void Flush(int fd);
  void Close(int fd);
  void Watch(int fd, int operation, uint32_t events);

  const bool has_echo_;
  UniqueFd ws_listener_;
  UniqueFd control_listener_;
  UniqueFd control_;
  UniqueFd epoll_;
  std::vector<char> buffer_;
  std::vector<char> control_buffer_;
  size_t control_held_ = 0;
  std::string notices_;
  std::vector<Session> sessions_;  // By descriptor.
  std::vector<int> touched_;
  std::vector<std::unique_ptr<std::string>> spare_;  // Empty buffers with their memory.
  uint32_t last_generation_ = 0;
};

}  // namespace longwire::bench
