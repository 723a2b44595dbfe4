#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "server/base/loop.h"
#include "server/core/session_id.h"

namespace longwire {

// What one loop has to do of a broadcast. Only on that loop once the round has it.
class BroadcastPart {
 public:
  virtual ~BroadcastPart() = default;
  // The shard's sessions that it is for, each once.
  virtual std::vector<SessionId> Collect() = 0;
  // What each of them is given.
  virtual size_t frame_bytes() const = 0;
  // Some have left by now.
  virtual void DeliverTo(SessionId id) = 0;
  // All have been delivered to. Called once, last; it may add another to the round.
  virtual void Finish() = 0;
};

// The broadcasts that a shard is working off, a slice a turn, so that a large audience holds up
// none of its sessions. Only on the shard's loop.
//
// A broadcast of no more than a slice is done at once. Larger ones go round the shard together, in
// the order of the sessions' IDs: one that comes while another is under way joins it where it is,
// and does what lies before that at the end. So what several have for a session leaves in one
// send; and since IDs grow, the sessions' memory is visited in the order in which it was made.
class BroadcastRound {
 public:
  explicit BroadcastRound(Loop& loop) : loop_(loop) {}
  BroadcastRound(const BroadcastRound&) = delete;
  BroadcastRound& operator=(const BroadcastRound&) = delete;

  // Its first slice comes in this turn, or, when much else is new, in one of the next.
  void Add(std::unique_ptr<BroadcastPart> part);

 private:
  struct Running {
    std::unique_ptr<BroadcastPart> part;
    std::vector<SessionId> targets;  // In order.
    size_t next = 0;                 // The next target of this time round.
    size_t left = 0;                 // Targets that are still to be reached.
    size_t slice = 0;                // How many of them at most in a turn.
  };

  void Turn();
  // Finds out whom the new ones are for, until that is enough for one turn.
  void CollectNew();
  void DeliverAll(BroadcastPart& part, const std::vector<SessionId>& targets);
  // The ID before which this turn ends, so that nobody has more than a slice; 0 = it goes up to the
  // last.
  SessionId EndOfTurn() const;
  void Advance(Running& running, SessionId end);
  // Takes those out that have reached all.
  void FinishThrough();

  Loop& loop_;
  std::deque<std::unique_ptr<BroadcastPart>> new_;
  std::vector<Running> running_;
  SessionId position_ = 0;  // All that are running have reached their targets before this one.
  bool has_turn_ = false;   // One is under way or posted.
};

}  // namespace longwire
