#include "tests/unit/events/group_model.h"

#include <algorithm>
#include <utility>

#include "longwire/v1/gateway.pb.h"
#include "server/events/event_encoder.h"

namespace longwire::test {
namespace {

constexpr int64_t kLogAgeMillis = 60'000;
constexpr int64_t kAckTimeoutMillis = 10'000;
constexpr char kGroup[] = "workers";

}  // namespace

class GroupModel::FarRegistry final : public Registry {
 public:
  explicit FarRegistry(Registry& near) : near_(near) {}

  void Put(std::string key, std::string value, uint64_t expected_revision, Done done) override {
    on_the_way_.push_back([this, key = std::move(key), value = std::move(value), expected_revision,
                           done = std::move(done)]() mutable {
      near_.Put(std::move(key), std::move(value), expected_revision, std::move(done));
    });
  }
  void Erase(std::string key, uint64_t expected_revision, Done done) override {
    on_the_way_.push_back(
        [this, key = std::move(key), expected_revision, done = std::move(done)]() mutable {
          near_.Erase(std::move(key), expected_revision, std::move(done));
        });
  }
  std::unique_ptr<Watch> WatchPrefix(std::string prefix, Changed changed) override {
    return near_.WatchPrefix(std::move(prefix), std::move(changed));
  }

  bool HasSomethingOnTheWay() const { return !on_the_way_.empty(); }
  void LetOneArrive() {
    auto write = std::move(on_the_way_.front());
    on_the_way_.pop_front();
    write();
  }

 private:
  Registry& near_;
  std::deque<LocalRegistry::Task> on_the_way_;
};

GroupModel::GroupModel(const Options& options)
    : options_(options),
      random_(options.seed),
      log_("log", 64 * 1024 * 1024, kLogAgeMillis, clock_),
      registry_([this](LocalRegistry::Task task) { tasks_.push_back(std::move(task)); }) {
  for (int node = 0; node < 2; ++node) {
    far_.push_back(std::make_unique<FarRegistry>(registry_));
    nodes_.push_back(std::make_unique<ConsumerGroups>(GroupContext{
        .log = log_,
        .registry = *far_.back(),
        .clock = clock_,
        .partitions = kPartitions,
        // Longer than any run: a group that is forgotten begins anew, which is another test's.
        .retention_millis = 1'000'000'000}));
    nodes_.back()->Start();
  }
  Join();
}

GroupModel::~GroupModel() = default;

void GroupModel::Break(const std::string& what) {
  if (broken_.empty()) broken_ = "seed " + std::to_string(options_.seed) + ": " + what;
}

GroupModel::Member* GroupModel::AnyMember() {
  return members_.empty() ? nullptr : members_[Random(members_.size())].get();
}

void GroupModel::Append() {
  EventBatch batch;
  for (uint64_t count = 1 + Random(4); count > 0; --count) {
    const auto partition = static_cast<PartitionNumber>(Random(kPartitions));
    AppendRouted(batch.bytes(), {1, "uid", 0}, "", {MessageType::kText, "hello"});
    batch.Add({.type = v1::EVENT_TYPE_ROUTE, .partition = partition});
    events_[log_.head() + batch.items().size()].partition = partition;
  }
  log_.Append(batch);
}

void GroupModel::Join(bool is_healthy) {
  auto member = std::make_unique<Member>();
  Member* const raw = member.get();
  raw->id = next_id_++;
  raw->is_stuck = options_.has_deaths && options_.manual_ack && !is_healthy && Random(6) == 0;
  const EventFeed::Options feed{.filter = {.types = EventFilter::kAllTypes},
                                .manual_ack = options_.manual_ack,
                                .unacked_events_max = kUnackedMax,
                                .ack_timeout_millis = kAckTimeoutMillis,
                                .partitions = kPartitions};
  raw->feed = std::make_unique<EventFeed>(log_, feed, 1);
  raw->group = nodes_[Random(nodes_.size())]->Join(
      kGroup, {.subscription_id = raw->id,
               .settings = {.types = EventFilter::kAllTypes, .manual_ack = options_.manual_ack},
               .start = {.after = 0},
               .feed = raw->feed.get(),
               .joined =
                   [this, raw](const std::optional<Refusal>& refusal) {
                     if (refusal) Break("refused: " + refusal->ToString());
                     raw->is_joined = true;
                   },
               .fed = [] {},
               .expired = [raw] { raw->is_expired = true; }});
  members_.push_back(std::move(member));
}

void GroupModel::Leave(size_t index) {
  Member& member = *members_[index];
  // A write that has not ended cannot have arrived any more.
  if (member.is_writing) FinishWrite(member, false);
  for (const auto& [partition, last] : member.last_of) {
    uint64_t& done_up_to = left_done_up_to_[partition];
    done_up_to = std::max(done_up_to, DoneUpTo(member, partition));
  }
  member.group->Leave(member.id);
  members_.erase(members_.begin() + static_cast<ptrdiff_t>(index));
}

void GroupModel::Pump(Member& member) {
  if (member.is_writing || !member.is_joined) return;
  EventFeed::Chunk chunk;
  if (!member.feed->Read(150 + Random(400), clock_.SteadyMillis(), chunk)) return;
  if (!chunk.has_content()) return;
  member.gap = chunk.gap;
  v1::SubscribeEventsResponse response;
  if (!response.ParseFromString(chunk.framed_events)) Break("bytes that are no response");
  member.is_writing = true;
  for (const v1::Event& event : response.events()) OnDelivered(member, event.sequence());
  if (Random(2) == 0) FinishWrite(member, true);
}

void GroupModel::FinishWrite(Member& member, bool ok) {
  if (!member.is_writing) return;
  member.is_writing = false;
  member.feed->Written(ok);
  if (!ok) return;
  if (member.gap) OnGap(*std::exchange(member.gap, std::nullopt));
  if (options_.manual_ack) {
    member.unacked.insert(member.unacked.end(), member.in_flight.begin(), member.in_flight.end());
    if (member.unacked.size() > kUnackedMax) Break("more than may await acknowledgement");
  } else {
    for (const uint64_t sequence : member.in_flight) OnDone(sequence);
  }
  member.in_flight.clear();
  member.group->OnDone(member.id);
}

void GroupModel::Acknowledge(Member& member) {
  if (member.unacked.empty()) return;
  v1::AckEventsRequest request;
  const size_t at = Random(member.unacked.size());
  std::vector<uint64_t> acked;
  if (Random(2) == 0) {
    request.set_up_to(member.unacked[at]);
    acked.assign(member.unacked.begin(), member.unacked.begin() + static_cast<ptrdiff_t>(at) + 1);
  } else {
    request.add_sequences(member.unacked[at]);
    acked.push_back(member.unacked[at]);
  }
  if (const auto refusal = member.feed->Acknowledge(request, clock_.SteadyMillis())) {
    Break("an ack is refused: " + refusal->ToString());
  }
  for (const uint64_t sequence : acked) {
    OnDone(sequence);
    std::erase(member.unacked, sequence);
  }
  member.group->OnDone(member.id);
}

void GroupModel::AcknowledgeAll(Member& member) {
  while (!member.unacked.empty()) Acknowledge(member);
}

void GroupModel::RunTasks(size_t count) {
  for (; count > 0; --count) {
    const bool anything_far = far_[0]->HasSomethingOnTheWay() || far_[1]->HasSomethingOnTheWay();
    if (tasks_.empty() && !anything_far) return;
    const uint64_t choice = Random(4);
    if (choice < 2 && far_[choice]->HasSomethingOnTheWay()) {
      far_[choice]->LetOneArrive();
    } else if (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
}

void GroupModel::PassTime(int64_t millis) {
  clock_.Advance(millis);
  if (options_.has_retention) log_.TrimAge();
  for (const auto& node : nodes_) node->Tick();
  CheckCovered();
  for (size_t i = 0; i < members_.size();) {
    if (!members_[i]->is_expired) {
      ++i;
      continue;
    }
    ++expired_;
    if (!options_.has_deaths) Break("a member that acknowledges in time is cut off");
    Leave(i);
  }
}

uint64_t GroupModel::DoneUpTo(const Member& member, PartitionNumber partition) const {
  uint64_t first_undone = UINT64_MAX;
  for (const auto* held : {&member.unacked, &member.in_flight}) {
    for (const uint64_t one : *held) {
      if (events_.at(one).partition == partition) first_undone = std::min(first_undone, one);
    }
  }
  if (first_undone != UINT64_MAX) return first_undone - 1;
  const auto found = member.last_of.find(partition);
  return found == member.last_of.end() ? 0 : found->second;
}

void GroupModel::OnDelivered(Member& member, uint64_t sequence) {
  Event& event = events_.at(sequence);
  const std::string name = "event " + std::to_string(sequence);
  ++delivered_;
  if (event.is_delivered) {
    ++redelivered_;
    if (!options_.has_deaths) Break(name + " is delivered twice and nobody died");
  } else {
    uint64_t& up_to = first_delivered_up_to_[event.partition];
    if (sequence < up_to) Break(name + " comes behind a later one of its partition");
    for (auto at = events_.upper_bound(up_to); at->first < sequence; ++at) {
      if (at->second.partition == event.partition && !told_missing_.contains(at->first)) {
        // In a chunk the gap stands before the events.
        const bool is_in_gap = member.gap && at->first >= member.gap->first_missing &&
                               at->first < member.gap->next_available;
        if (is_in_gap) continue;
        Break(name + " comes although " + std::to_string(at->first) + " has not");
      }
    }
    up_to = sequence;
    event.is_delivered = true;
  }
  if (!options_.manual_ack && event.is_done) Break(name + " comes again although it was written");
  uint64_t& last = member.last_of[event.partition];
  if (sequence <= last) Break(name + " goes back within one member");
  last = sequence;
  for (const auto& other : members_) {
    if (other.get() == &member) continue;
    for (const auto* held : {&other->unacked, &other->in_flight}) {
      for (const uint64_t one : *held) {
        if (events_.at(one).partition == event.partition) {
          Break(name + " comes while another member still has " + std::to_string(one));
        }
      }
    }
  }
  // The group resumes behind the last event up to which all are acknowledged, by whoever had it.
  uint64_t done_up_to = left_done_up_to_[event.partition];
  for (const auto& other : members_) {
    if (other.get() != &member) {
      done_up_to = std::max(done_up_to, DoneUpTo(*other, event.partition));
    }
  }
  if (sequence <= done_up_to) Break(name + " comes again although all up to it was done");
  member.in_flight.push_back(sequence);
}

void GroupModel::OnGap(const EventReader::Gap& gap) {
  ++gaps_;
  if (!options_.has_retention) Break("a gap although everything is retained");
  if (gap.next_available > log_.stats().first_retained) Break("a gap over what is retained");
  for (auto at = events_.lower_bound(gap.first_missing);
       at != events_.end() && at->first < gap.next_available; ++at) {
    told_missing_.insert(at->first);
  }
}

void GroupModel::OnDone(uint64_t sequence) {
  events_.at(sequence).is_done = true;
}

void GroupModel::CheckCovered() {
  // Both nodes, since only one of them may know more.
  for (const auto& node : nodes_) {
    for (const auto& stats : node->stats()) {
      const int index = node == nodes_[0] ? 0 : 1;
      if (stats.covered < covered_by_node_[index]) Break("covered goes back");
      covered_by_node_[index] = stats.covered;
      for (const auto& [sequence, event] : events_) {
        if (sequence > stats.covered) break;
        if (!event.is_done && !told_missing_.contains(sequence)) {
          Break("covered is " + std::to_string(stats.covered) + " although " +
                std::to_string(sequence) + " is not done");
        }
      }
    }
  }
}

void GroupModel::Step() {
  Member* const member = AnyMember();
  switch (const uint64_t act = Random(100)) {
    case 0:
    case 1:
      if (members_.size() < 6) Join();
      return;
    case 2:
      if (member == nullptr) return;
      if (options_.has_deaths) {
        Leave(Random(members_.size()));
      } else if (!member->is_writing) {
        AcknowledgeAll(*member);
        const auto at = std::find_if(members_.begin(), members_.end(),
                                     [&](const auto& one) { return one.get() == member; });
        Leave(static_cast<size_t>(at - members_.begin()));
      }
      return;
    case 3:
    case 4:
      PassTime(static_cast<int64_t>(Random(options_.has_deaths ? 3'000 : 300)));
      return;
    case 5:
      if (options_.has_retention && Random(20) == 0) PassTime(kLogAgeMillis / 2);
      return;
    default:
      if (act < 30) return Append();
      if (act < 55) return RunTasks(1 + Random(6));
      if (member == nullptr) return;
      if (act < 75) return Pump(*member);
      if (act < 85) return FinishWrite(*member, true);
      if (!member->is_stuck) Acknowledge(*member);
  }
}

void GroupModel::Settle() {
  for (size_t i = members_.size(); i-- > 0;) {
    if (members_[i]->is_stuck) Leave(i);
  }
  Join(true);
  const size_t enough = 20 * events_.size() + 1'000;
  for (size_t round = 0; round < enough; ++round) {
    RunTasks(1'000);
    PassTime(1);
    for (const auto& member : members_) {
      Pump(*member);
      FinishWrite(*member, true);
      AcknowledgeAll(*member);
    }
    if (covered_by_node_[0] == log_.head() && covered_by_node_[1] == log_.head()) break;
  }
  for (const auto& [sequence, event] : events_) {
    if (!event.is_done && !told_missing_.contains(sequence)) {
      Break("event " + std::to_string(sequence) + " is missed");
    }
  }
}

}  // namespace longwire::test
