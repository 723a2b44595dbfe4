#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "server/base/clock.h"
#include "server/engine/local_event_log.h"
#include "server/engine/local_registry.h"
#include "server/events/consumer_groups.h"

namespace longwire::test {

// A group under random load, on two nodes that share a log and a registry: members come, stick, die
// and acknowledge, events are written and dropped by retention, and everything that is done later -
// a registry's answer, the end of a write - is done at a random time. Beside it runs the simplest
// account of what a group promises; what breaks it is told with the seed.
class GroupModel {
 public:
  struct Options {
    uint64_t seed = 0;
    bool manual_ack = true;
    bool has_deaths = true;     // Members leave without a word, and stick.
    bool has_retention = true;  // The log drops events that nobody has read.
  };
  explicit GroupModel(const Options& options);
  ~GroupModel();

  void Step();
  // Lets a healthy member deal with all that is left, and looks whether anything was missed.
  void Settle();

  // Empty while every promise is kept.
  const std::string& broken() const { return broken_; }
  size_t delivered() const { return delivered_; }
  size_t redelivered() const { return redelivered_; }
  size_t gaps() const { return gaps_; }
  size_t expired() const { return expired_; }

 private:
  static constexpr uint32_t kPartitions = 8;
  static constexpr size_t kUnackedMax = 12;

  struct Member {
    int64_t id = 0;
    std::unique_ptr<EventFeed> feed;
    std::shared_ptr<ConsumerGroup> group;
    bool is_joined = false;
    bool is_expired = false;
    bool is_stuck = false;  // Acknowledges nothing.
    bool is_writing = false;
    std::optional<EventReader::Gap> gap;  // Being written, before
    std::vector<uint64_t> in_flight;      // these events.
    std::vector<uint64_t> unacked;        // In the order of delivery.
    std::map<PartitionNumber, uint64_t> last_of;
  };
  struct Event {
    PartitionNumber partition = 0;
    bool is_delivered = false;
    bool is_done = false;
  };

  // A registry as far away as a network makes it: what a node writes is done later, in its order,
  // while the other node's goes first or last.
  class FarRegistry;

  void Append();
  void Join(bool is_healthy = false);
  void Leave(size_t index);
  void Pump(Member& member);
  void FinishWrite(Member& member, bool ok);
  void Acknowledge(Member& member);
  void AcknowledgeAll(Member& member);
  void RunTasks(size_t count);
  void PassTime(int64_t millis);

  // How far this member has dealt with the partition without a hole.
  uint64_t DoneUpTo(const Member& member, PartitionNumber partition) const;
  void OnDelivered(Member& member, uint64_t sequence);
  void OnGap(const EventReader::Gap& gap);
  void OnDone(uint64_t sequence);
  void CheckCovered();
  void Break(const std::string& what);
  Member* AnyMember();
  uint64_t Random(uint64_t below) { return random_() % below; }

  const Options options_;
  std::mt19937_64 random_;
  ManualClock clock_;
  LocalEventLog log_;
  std::deque<LocalRegistry::Task> tasks_;
  LocalRegistry registry_;
  std::vector<std::unique_ptr<FarRegistry>> far_;  // By node.
  std::vector<std::unique_ptr<ConsumerGroups>> nodes_;
  std::deque<std::unique_ptr<Member>> members_;
  int64_t next_id_ = 1;

  // What is promised.
  std::map<uint64_t, Event> events_;
  std::map<PartitionNumber, uint64_t> first_delivered_up_to_;
  std::map<PartitionNumber, uint64_t> left_done_up_to_;  // By those who have left.
  std::set<uint64_t> told_missing_;
  std::map<int, uint64_t> covered_by_node_;
  std::string broken_;
  size_t delivered_ = 0;
  size_t redelivered_ = 0;
  size_t gaps_ = 0;
  size_t expired_ = 0;
};

}  // namespace longwire::test
