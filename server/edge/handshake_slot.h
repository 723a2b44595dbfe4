#pragma once

#include <utility>

#include "server/edge/edge.h"

namespace longwire {

// A connection's place among those on the way to a session: it counts against
// kHandshakesPerLoopMax and --sessions-max for as long as this lives. Empty for the admin port,
// which is left open to probes.
class HandshakeSlot {
 public:
  HandshakeSlot() = default;
  explicit HandshakeSlot(Edge& edge) : edge_(&edge) { Count(1); }
  HandshakeSlot(HandshakeSlot&& other) noexcept : edge_(std::exchange(other.edge_, nullptr)) {}
  HandshakeSlot& operator=(HandshakeSlot&&) = delete;
  ~HandshakeSlot() { GiveBack(); }

  void GiveBack() {
    if (edge_ == nullptr) return;
    Count(-1);
    edge_ = nullptr;
  }

 private:
  void Count(int by) {
    edge_->CountHandshake(by);
    edge_->shared().connections.fetch_add(static_cast<size_t>(by));
  }

  Edge* edge_ = nullptr;
};

}  // namespace longwire
