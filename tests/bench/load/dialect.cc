#include "tests/bench/load/dialect.h"

#include <charconv>

#include "tests/bench/common/net.h"

namespace longwire::bench {
namespace {

// What client number `client` subscribes to.
std::string ChannelFor(size_t client, bool is_for_all) {
  return is_for_all ? std::string(kChannelOfAll) : ChannelOf(static_cast<int64_t>(client) + 1);
}

// One message a frame, and nothing to be said: longwire, the raw server, ws.
class PlainDialect : public Dialect {
 public:
  std::string Target(size_t) const override { return "/bench"; }
  std::string Greeting(size_t) const override { return {}; }
  bool IsGreeted(std::string_view) const override { return true; }
  std::string_view TakeMessage(std::string_view& payload) const override {
    // An empty message is one, too, but only once.
    if (payload.data() == nullptr) return {};
    const std::string_view message = payload;
    payload = {};
    return message;
  }
};

// nchan: the channel is in the target.
class NchanDialect final : public PlainDialect {
 public:
  explicit NchanDialect(bool is_for_all) : is_for_all_(is_for_all) {}

  std::string Target(size_t client) const override {
    return "/sub?id=" + ChannelFor(client, is_for_all_);
  }

 private:
  const bool is_for_all_;
};

// The NATS protocol: lines, several in a frame.
class NatsDialect final : public Dialect {
 public:
  explicit NatsDialect(bool is_for_all) : is_for_all_(is_for_all) {}

  std::string Target(size_t) const override { return "/"; }
  std::string Greeting(size_t client) const override {
    return std::string(kNatsConnect) + "SUB " + ChannelFor(client, is_for_all_) + " 1\r\nPING\r\n";
  }
  bool IsGreeted(std::string_view payload) const override {
    if (payload.find("-ERR") != std::string_view::npos) Die("nats: " + std::string(payload));
    return payload.find("PONG\r\n") != std::string_view::npos;
  }
  std::string_view TakeMessage(std::string_view& payload) const override {
    while (!payload.empty()) {
      const size_t line_end = payload.find("\r\n");
      if (line_end == std::string_view::npos) Die("nats: a line without an end in its frame");
      const std::string_view line = payload.substr(0, line_end);
      payload.remove_prefix(line_end + 2);
      if (!line.starts_with("MSG ")) continue;  // INFO, PING
      // MSG subject sid bytes
      size_t bytes = 0;
      const char* const end = line.data() + line.size();
      std::from_chars(line.data() + line.rfind(' ') + 1, end, bytes);
      if (payload.size() < bytes + 2) Die("nats: a message goes beyond its frame");
      const std::string_view message = payload.substr(0, bytes);
      payload.remove_prefix(bytes + 2);
      return message;
    }
    return {};
  }

 private:
  const bool is_for_all_;
};

}  // namespace

std::unique_ptr<Dialect> MakeDialect(const Options& options) {
  const bool is_for_all = options.mode == "broadcast";
  if (!options.nats.empty()) return std::make_unique<NatsDialect>(is_for_all);
  if (!options.nchan.empty()) return std::make_unique<NchanDialect>(is_for_all);
  return std::make_unique<PlainDialect>();
}

std::string ChannelOf(int64_t session_id) {
  return "s" + std::to_string(session_id);
}

}  // namespace longwire::bench
