// Everything at once: 300 sessions that come, speak, are pushed to, kicked, taken over and go.
//
// LONGWIRE_CHURN_SECONDS makes it longer, LONGWIRE_CHURN_SEED repeats a run.
#include <atomic>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "tests/integration/churn.h"
#include "tests/support/environment.h"
#include "tests/support/query_auth.h"

namespace longwire::test {
namespace {

constexpr int kWorkers = 4;
constexpr int kSessions = 300;
constexpr int kUids = 250;  // Fewer than sessions, so that logins meet.

std::set<v1::LeaveReason> ReasonsOf(const std::vector<v1::Event>& events) {
  std::set<v1::LeaveReason> reasons;
  for (const v1::Event& event : events) {
    if (event.has_leave()) reasons.insert(event.leave().reason());
  }
  return reasons;
}

// A subscriber that goes and comes back with its cursor all the time.
class Returning {
 public:
  explicit Returning(v1::Gateway::Stub& stub)
      : stub_(stub), current_(std::make_unique<EventCollector>(stub)) {}

  void GoAndComeBack() {
    const v1::Cursor cursor = Take();
    current_ = std::make_unique<EventCollector>(stub_, From(cursor));
  }
  // All up to `head`, without what was told again.
  std::vector<v1::Event> Finish(uint64_t head) {
    EXPECT_TRUE(current_->WaitFor([&](const auto& seen) { return seen.covered >= head; }));
    Take();
    return std::move(events_);
  }

 private:
  v1::Cursor Take() {
    const v1::Cursor cursor = current_->cursor();
    for (v1::Event& event : current_->seen().events) {
      if (events_.empty() || event.sequence() > events_.back().sequence()) {
        events_.push_back(std::move(event));
      }
    }
    EXPECT_TRUE(current_->seen().gaps.empty());
    return cursor;
  }

  v1::Gateway::Stub& stub_;
  std::unique_ptr<EventCollector> current_;
  std::vector<v1::Event> events_;
};

class Churn : public GatewayTest {};

TEST_F(Churn, IsToldToEachSubscriberWithoutAHoleOrARepeat) {
  const Millis duration(1000 * NumberFromEnvironment("LONGWIRE_CHURN_SECONDS").value_or(5));
  const uint64_t seed =
      NumberFromEnvironment("LONGWIRE_CHURN_SEED").value_or(std::random_device()());
  std::cout << "LONGWIRE_CHURN_SEED=" << seed << std::endl;
  Options options = TestGateway::QuickOptions();
  options.event_log_bytes_max = size_t{2} << 30;
  Start(options, {.auth = std::make_shared<QueryAuth>()});
  const auto second_stub = v1::Gateway::NewStub(gateway().NewChannel());
  EventCollector second(*second_stub);
  Returning returning(*second_stub);

  ChurnLedger ledger;
  std::atomic<int> opened{0};
  {
    std::vector<std::jthread> workers;
    const Deadline end(duration);
    for (int i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&, i] {
        ChurnWorker worker(gateway(), ledger, seed, i, kSessions / kWorkers, kUids);
        while (!end.Passed()) worker.Step();
        worker.Finish();
        opened += worker.opened();
      });
    }
    while (!end.Passed()) {
      second.WaitFor([](const auto& seen) { return seen.ended; }, Millis(100));
      returning.GoAndComeBack();
    }
  }

  const auto settled = [](const EventCollector::Seen& seen) {
    size_t enters = 0;
    for (const v1::Event& event : seen.events) enters += event.has_enter();
    return enters == seen.leaves && seen.covered == seen.head;
  };
  ASSERT_TRUE(EventuallySees([&] { return settled(events().seen()); }, ::testing::IsTrue()));
  ASSERT_TRUE(EventuallySees([&] { return settled(second.seen()); }, ::testing::IsTrue()));
  const auto seen = events().seen();
  std::cout << opened << " connections, " << seen.leaves << " sessions, " << seen.events.size()
            << " events" << std::endl;
  EXPECT_GT(seen.leaves, size_t{kSessions});
  // Else it would prove less than it says.
  EXPECT_THAT(
      ReasonsOf(seen.events),
      ::testing::IsSupersetOf({v1::LEAVE_REASON_CLIENT_CLOSED, v1::LEAVE_REASON_CONNECTION_LOST,
                               v1::LEAVE_REASON_KICKED, v1::LEAVE_REASON_DUPLICATE_LOGIN}));
  EXPECT_TRUE(KeepsItsPromises(seen.events, ledger));
  EXPECT_EQ(Sequences(second.seen().events), Sequences(seen.events));
  EXPECT_EQ(Sequences(returning.Finish(seen.head)), Sequences(seen.events));
}

}  // namespace
}  // namespace longwire::test
