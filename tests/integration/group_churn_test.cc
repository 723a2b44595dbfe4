// A group of three under everything at once: users that log in, speak and are taken over, while
// members die and others come.
//
// LONGWIRE_CHURN_SECONDS makes it longer, LONGWIRE_CHURN_SEED repeats a run.
#include <algorithm>
#include <atomic>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/churn.h"
#include "tests/support/environment.h"
#include "tests/support/query_auth.h"

namespace longwire::test {
namespace {

constexpr int kWorkers = 4;
constexpr int kClients = 200;
constexpr int kUids = 200;
constexpr int kMembers = 3;

// What all members together have dealt with, in the order in which they did.
class Handled {
 public:
  void Add(const v1::Event& event) {
    const std::lock_guard lock(mutex_);
    const std::string& key = event.uid();
    if (!sequences_.insert(event.sequence()).second) {
      ++again_;
      return;
    }
    uint64_t& last = last_of_uid_[key];
    if (event.sequence() < last) {
      out_of_order_ +=
          key + ": " + std::to_string(event.sequence()) + " behind " + std::to_string(last) + "\n";
    }
    last = event.sequence();
  }
  std::set<uint64_t> sequences() const {
    const std::lock_guard lock(mutex_);
    return sequences_;
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return sequences_.size();
  }
  size_t again() const {
    const std::lock_guard lock(mutex_);
    return again_;
  }
  std::string out_of_order() const {
    const std::lock_guard lock(mutex_);
    return out_of_order_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<uint64_t> sequences_;                 // Guarded by mutex_.
  std::map<std::string, uint64_t> last_of_uid_;  // Guarded by mutex_: of first handlings.
  size_t again_ = 0;                             // Guarded by mutex_.
  std::string out_of_order_;                     // Guarded by mutex_.
};

// A member of the group with a connection of its own, on a thread of its own.
class Member {
 public:
  Member(TestGateway& gateway, Handled& handled, uint64_t seed)
      : stub_(v1::Gateway::NewStub(gateway.NewChannel())),
        ack_stub_(v1::Gateway::NewStub(gateway.NewChannel())),
        handled_(handled),
        random_(seed) {
    v1::SubscribeEventsRequest request = From(v1::START_AT_EARLIEST);
    request.set_consumer_group("workers");
    request.set_manual_ack(true);
    request.set_unacked_events_max(200);
    reader_ = stub_->SubscribeEvents(&context_, request);
    thread_ = std::thread([this] { Run(); });
  }
  ~Member() {
    StopHandling();
    context_.TryCancel();
    thread_.join();
  }
  // In the middle of whatever it does: handles and acknowledges nothing from now on.
  void StopHandling() { is_dead_ = true; }
  // The same, but it dies with events that it has handled and does not acknowledge any more.
  void StopAcknowledging() {
    is_acking_ = false;
    const size_t before = handled_here_;
    EXPECT_TRUE(EventuallySees([&] { return handled_here_.load(); }, ::testing::Gt(before + 5)));
  }

 private:
  void Run() {
    v1::SubscribeEventsResponse response;
    while (reader_->Read(&response)) {
      for (const v1::Event& event : response.events()) {
        if (is_dead_) break;
        handled_.Add(event);
        ++handled_here_;
        unacked_.push_back(event.sequence());
        // Sometimes one by one, sometimes many at once, through another connection than the
        // stream's.
        if (random_() % 20 == 0) Acknowledge(response.subscription_id());
      }
      if (unacked_.size() > 100 || random_() % 4 == 0) Acknowledge(response.subscription_id());
    }
    const grpc::Status status = reader_->Finish();
    if (!is_dead_) ADD_FAILURE() << "a living member was cut off: " << status.error_message();
  }
  void Acknowledge(int64_t subscription_id) {
    if (is_dead_ || !is_acking_ || unacked_.empty()) return;
    v1::AckEventsRequest request;
    request.set_subscription_id(subscription_id);
    if (random_() % 2 == 0) {
      request.set_up_to(unacked_.back());
    } else {
      request.mutable_sequences()->Add(unacked_.begin(), unacked_.end());
    }
    unacked_.clear();
    const RpcOutcome outcome = AckEvents(*ack_stub_, request);
    if (!outcome.ok() && !is_dead_) ADD_FAILURE() << ::testing::PrintToString(outcome);
  }

  const std::unique_ptr<v1::Gateway::Stub> stub_;
  const std::unique_ptr<v1::Gateway::Stub> ack_stub_;
  Handled& handled_;
  std::mt19937_64 random_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeEventsResponse>> reader_;
  std::vector<uint64_t> unacked_;
  std::atomic<bool> is_dead_{false};
  std::atomic<bool> is_acking_{true};
  std::atomic<size_t> handled_here_{0};
  std::thread thread_;
};

class GroupChurn : public GatewayTest {
 protected:
  // Runs the clients and the members; every `kill_every`, if any, a member dies and another comes.
  void Run(Millis duration, std::optional<Millis> kill_every) {
    const uint64_t seed =
        NumberFromEnvironment("LONGWIRE_CHURN_SEED").value_or(std::random_device()());
    std::cout << "LONGWIRE_CHURN_SEED=" << seed << std::endl;
    Options options = TestGateway::QuickOptions();
    options.event_log_bytes_max = size_t{2} << 30;
    Start(options, {.auth = std::make_shared<QueryAuth>()});
    std::deque<std::unique_ptr<Member>> members;
    uint64_t next_seed = seed;
    const auto add = [&] {
      members.push_back(std::make_unique<Member>(gateway(), handled_, ++next_seed));
    };
    // While nobody dies they come one by one, so that partitions move all the same.
    for (int i = kill_every ? 0 : kMembers - 1; i < kMembers; ++i) add();

    ChurnLedger ledger;
    const Deadline end(duration);
    std::vector<std::jthread> workers;
    for (int i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&, i] {
        ChurnWorker worker(gateway(), ledger, seed, i, kClients / kWorkers, kUids);
        while (!end.Passed()) worker.Step();
        worker.Finish();
      });
    }
    while (!end.Passed()) {
      events().WaitFor([](const auto& seen) { return seen.ended; },
                       kill_every.value_or(duration / 8));
      if (end.Passed()) break;
      if (kill_every) {
        members.front()->StopAcknowledging();
        members.pop_front();
        ++kills_;
      }
      if (members.size() < kMembers) add();
    }
    workers.clear();
    size_t told = 0;
    ASSERT_TRUE(events().WaitFor([&](const auto& seen) {
      told = seen.events.size();
      if (seen.covered != seen.head) return false;
      const auto enters = std::count_if(seen.events.begin(), seen.events.end(),
                                        [](const v1::Event& event) { return event.has_enter(); });
      return static_cast<size_t>(enters) == seen.leaves;
    }));
    ASSERT_TRUE(EventuallySees([&] { return handled_.count(); }, told));
    // All at once, or what the first leaves undone would go to the others.
    for (const auto& member : members) member->StopHandling();
    members.clear();
  }

  void ExpectNothingMissedAndInOrder() {
    std::set<uint64_t> told;
    for (const v1::Event& event : events().seen().events) told.insert(event.sequence());
    EXPECT_EQ(handled_.sequences(), told);
    EXPECT_EQ(handled_.out_of_order(), "") << "a user's events were first handled out of order";
    std::cout << told.size() << " events, " << handled_.again() << " handled again, " << kills_
              << " members killed" << std::endl;
    EXPECT_GT(told.size(), size_t{kClients});
  }

  Handled handled_;
  int kills_ = 0;
};

TEST_F(GroupChurn, NothingIsMissedAndEachUsersOrderHoldsWhileMembersAreKilled) {
  const Millis duration(1000 * NumberFromEnvironment("LONGWIRE_CHURN_SECONDS").value_or(4));
  Run(duration, duration / 12);
  ExpectNothingMissedAndInOrder();
  EXPECT_GT(kills_, 5);
  EXPECT_GT(handled_.again(), 0u) << "what the dead had not acknowledged comes again";
}

TEST_F(GroupChurn, NothingIsHandledTwiceWhileNobodyDies) {
  Run(Millis(1000 * NumberFromEnvironment("LONGWIRE_CHURN_SECONDS").value_or(2)), std::nullopt);
  ExpectNothingMissedAndInOrder();
  EXPECT_EQ(handled_.again(), 0u);
}

}  // namespace
}  // namespace longwire::test
