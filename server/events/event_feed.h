#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "longwire/v1/gateway.pb.h"
#include "server/base/refusal.h"
#include "server/events/ack_ledger.h"
#include "server/events/event_reader.h"

namespace longwire {

// What one subscription is still to be told, and what it has not dealt with yet. A plain
// subscription is fed the whole log; a member of a consumer group the partitions that its
// ConsumerGroup gives it. One thread.
//
//   while (feed.Read(bytes_max, now, chunk)) { write chunk; ... feed.Written(ok, now); }
class EventFeed {
 public:
  struct Options {
    EventFilter filter;
    // An event is dealt with when it is acknowledged; otherwise when it is written.
    bool manual_ack = false;
    size_t unacked_events_max = 0;
    int64_t ack_timeout_millis = 0;
    uint32_t partitions = 0;  // Of a group member; 0 = it is none.
  };

  // Begins with the event with sequence `next`; a member begins without a partition.
  EventFeed(const EventLog& log, const Options& options, uint64_t next);

  // What the next response is made of; the first that a member is given may be the news that its
  // group is after a restart. Returns false when there is nothing new, or as much as may await its
  // acknowledgement does; the chunk then has only covered and head. REQUIRES: no chunk with a gap
  // or events is being written.
  struct Chunk : EventReader::Chunk {
    bool is_restart_gap = false;  // Gap{RESTART}; `gap` is not set then.
    bool has_content() const { return is_restart_gap || gap || !framed_events.empty(); }
  };
  bool Read(size_t bytes_max, int64_t now_millis, Chunk& chunk);
  // The chunk with content that was last read has been written, or could not be.
  void Written(bool ok);

  // Takes an acknowledgement; the refusal when it names what this subscription was not sent, and
  // nothing is acknowledged then.
  std::optional<Refusal> Acknowledge(const v1::AckEventsRequest& request, int64_t now_millis);

  // Whether everything up to `sequence` is delivered and dealt with.
  bool IsDoneUpTo(uint64_t sequence) const;
  // Whether it has kept the oldest event longer than it may.
  bool IsOverdue(int64_t now_millis) const;
  int64_t ack_timeout_millis() const { return options_.ack_timeout_millis; }
  size_t unacked() const { return ledger_.unacked(); }

  // Of a plain subscription that begins with a snapshot: where the log goes on, see EventReader.
  void JumpTo(uint64_t next);
  void SkipUpTo(std::vector<uint64_t> positions_by_shard) {
    reader_.SkipUpTo(std::move(positions_by_shard));
  }
  uint64_t next() const { return reader_.next(); }

  // The rest is for the group of a member.

  // Feeds a partition from this event on.
  void AddPartition(PartitionNumber partition, uint64_t from, bool is_restart_untold);
  // Feeds it no more; what was sent of it may still be acknowledged.
  void RemovePartition(PartitionNumber partition);
  // The event from which it is fed on, or would be. REQUIRES: it was added once.
  uint64_t NextOf(PartitionNumber partition) const;
  // While it is held it reads nothing: more partitions are about to come, and what is older in them
  // had better come first.
  void Hold(bool is_held) { is_held_ = is_held; }
  // Nothing of the partition is being written or awaits its acknowledgement.
  bool IsSettled(PartitionNumber partition) const;
  // Everything of the partition up to this sequence is dealt with. REQUIRES: it was added once.
  uint64_t DoneUpTo(PartitionNumber partition) const;
  bool is_restart_untold() const {
    return restart_ == Restart::kUntold || restart_ == Restart::kTelling;
  }

 private:
  bool HasWindow() const;
  void NoteGap(const EventReader::Gap& gap);
  // Where the gap begins that is being told for this partition.
  std::optional<uint64_t> UntoldGap(PartitionNumber partition) const;
  bool WasSent(uint64_t sequence) const;

  const EventLog& log_;
  const Options options_;
  EventReader reader_;
  AckLedger ledger_;                                // With manual_ack.
  std::vector<EventReader::Chunk::Taken> writing_;  // Without: what is being written.
  bool is_held_ = false;
  bool is_writing_ = false;
  int64_t writing_since_millis_ = 0;
  // The news that the group is after a restart. Once is enough: what a member is told behind it is
  // of the new log.
  enum class Restart : uint8_t { kNone, kUntold, kTelling, kTold };
  Restart restart_ = Restart::kNone;
  // While a gap is being told: where it begins for each partition that it concerns. Nothing behind
  // that is dealt with until it is written.
  std::vector<std::pair<PartitionNumber, uint64_t>> untold_gaps_;
  // Which part of the log was fed: of each partition, or of all as one. [first, second); the second
  // is that of the reader while the partition is fed.
  std::vector<std::pair<uint64_t, uint64_t>> fed_;
};

}  // namespace longwire
