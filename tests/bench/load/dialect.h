#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/load/options.h"

namespace longwire::bench {

// How the clients of one kind of server speak over their WebSocket: what they ask for, what they
// have to say before they count as there, and where in a frame of the server's the messages are.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // The path and query of the upgrade request of client number `client`.
  virtual std::string Target(size_t client) const = 0;
  // Sent by the client once it is connected. Empty: it need not say anything.
  virtual std::string Greeting(size_t client) const = 0;
  // Whether a frame answers the greeting: the client is there from then on.
  virtual bool IsGreeted(std::string_view payload) const = 0;
  // Takes the next message off the front of a frame's payload. A null view: what is left holds
  // none.
  virtual std::string_view TakeMessage(std::string_view& payload) const = 0;
};

// The one of the server that the options name.
std::unique_ptr<Dialect> MakeDialect(const Options& options);

// How the server and its publisher call what the client gets that is meant for it alone, and what
// all get.
std::string ChannelOf(int64_t session_id);
inline constexpr std::string_view kChannelOfAll = "all";

// What any client of NATS's says first.
inline constexpr std::string_view kNatsConnect =
    "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

}  // namespace longwire::bench
