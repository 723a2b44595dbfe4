#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/common/net.h"
#include "tests/bench/load/client_tls.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/ws_codec.h"

namespace longwire::bench {

// Many WebSocket clients on one epoll, in the thread that calls Poll(). It is made to cost little:
// what the clients take of their core, the server's rivals for the load take, too.
//
// Not thread-safe: all of it belongs to one thread.
class ClientPool {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // A message came to client number `client`, read off its socket at `now_nanos`. The handler may
    // call Append(); what it appends leaves when all that was read from this client is dealt with.
    virtual void OnMessage(size_t client, std::string_view payload, int64_t now_nanos) = 0;
    // The end of one pass over the sockets: the place for what is done once for many messages.
    virtual void OnPassEnd() {}
  };

  // Clients of the server that the options name.
  ClientPool(const Options& options, Handler& handler);
  // Cuts all connections with a reset.
  ~ClientPool();
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;

  // Opens connections until `count` are open, some at a time, and goes on serving those that are.
  // Dies if one is refused or if it takes longer than `seconds_max`.
  void Open(size_t count, double seconds_max);

  // Cuts a client with a reset, and opens it anew in its place. REQUIRES: is_open(client).
  void Reopen(size_t client);
  bool is_open(size_t client) const { return clients_[client].phase == Phase::kOpen; }

  // Waits for something to do and does it: reads, answers pings, sends what is waiting.
  void Poll(int timeout_millis);

  // Queues a text message. Outside of OnMessage a Flush() of the client sends it.
  void Append(size_t client, std::string_view payload);
  void Flush(size_t client);

  size_t size() const { return clients_.size(); }
  size_t open_count() const { return open_count_; }
  // Connections that the server ended.
  uint64_t lost_count() const { return lost_count_; }
  // Reads that brought something.
  uint64_t read_count() const { return read_count_; }

 private:
  enum class Phase : uint8_t { kConnecting, kHandshaking, kGreeting, kOpen, kLost };

  struct Client {
    UniqueFd fd;
    Phase phase = Phase::kConnecting;
    bool waits_for_room = false;
    std::unique_ptr<ClientTls> tls;  // Null without.
    std::string in;                  // An incomplete frame or handshake answer; empty when idle.
    std::string out;                 // What the socket has not taken yet.
  };

  void Start(size_t index);
  void OnReady(size_t index, uint32_t events);
  void SendHandshake(size_t index);
  void Read(size_t index);
  void BeOpen(Client& client);
  // Puts bytes behind what the socket has not taken yet.
  void Queue(Client& client, std::string_view bytes);
  void Lose(Client& client);
  // Both take a prefix of `input` and return how much.
  size_t TakeHandshake(size_t index, std::string_view input);
  size_t TakeFrames(size_t index, std::string_view input, int64_t now_nanos);
  void TakeFrame(size_t index, const ServerFrame& frame, int64_t now_nanos);
  void TakeMessages(size_t index, std::string_view payload, int64_t now_nanos);
  void Watch(size_t index, int operation, bool for_room);

  const HostPort server_;
  const bool has_tls_;
  const std::unique_ptr<Dialect> dialect_;
  Handler& handler_;
  UniqueFd epoll_;
  std::vector<Client> clients_;
  std::vector<char> buffer_;
  std::string frame_;
  size_t opening_count_ = 0;
  size_t open_count_ = 0;
  uint64_t lost_count_ = 0;
  uint64_t read_count_ = 0;
};

}  // namespace longwire::bench
