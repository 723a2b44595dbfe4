#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/log_limiter.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/edge/address.h"
#include "server/edge/edge.h"

namespace longwire {

// A port of the gateway: accepts connections on one loop and gives each to the loop that has the
// fewest. Only on its loop, but for Open.
class Listener final : public Loop::Handler {
 public:
  // Binds and listens. `option` names the flag in errors. Without SO_REUSEPORT, so a second gateway
  // on the port fails: UNAVAILABLE, with what the kernel says.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(const ListenAddress& address,
                                                        const char* option, Loop& loop,
                                                        LoopMetrics& metrics, HttpPort port,
                                                        std::vector<Edge*> edges);
  ~Listener() override;

  // host:port, with the port that was really taken.
  const std::string& endpoint() const { return endpoint_; }

 private:
  Listener(int fd, std::string endpoint, Loop& loop, LoopMetrics& metrics, HttpPort port,
           std::vector<Edge*> edges);

  void OnReady(uint32_t events) override;
  void OnTimer() override;
  void GiveAway(int fd, const RemoteAddress& remote);
  void BackOff(int error);

  const int fd_;
  const std::string endpoint_;
  Loop& loop_;
  LoopMetrics& metrics_;
  const HttpPort port_;
  const std::vector<Edge*> edges_;
  LogLimiter warnings_;
};

}  // namespace longwire
