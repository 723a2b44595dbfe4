#include "tests/support/event_collector.h"

#include <algorithm>
#include <sstream>

namespace longwire::test {
namespace {

constexpr size_t kEventsPrintedMax = 40;

void Print(const v1::Event& event, std::ostream& os) {
  os << "\n  " << event.sequence() << " " << v1::EventType_Name(event.type()) << " of "
     << event.session_id() << " uid \"" << event.uid() << "\"";
  if (event.snapshot()) os << " (snapshot)";
  if (event.has_routed()) {
    os << " " << event.routed().message().ShortDebugString().substr(0, 80);
  } else if (event.has_leave()) {
    os << " " << event.leave().ShortDebugString();
  }
}

}  // namespace

v1::SubscribeEventsRequest From(v1::StartAt start_at) {
  v1::SubscribeEventsRequest request;
  request.set_start_at(start_at);
  request.set_include_silent(true);
  return request;
}

v1::SubscribeEventsRequest From(const v1::Cursor& cursor) {
  v1::SubscribeEventsRequest request;
  *request.mutable_after() = cursor;
  request.set_include_silent(true);
  return request;
}

v1::Cursor CursorAt(std::string log_id, uint64_t sequence) {
  v1::Cursor cursor;
  cursor.set_log_id(std::move(log_id));
  cursor.set_sequence(sequence);
  return cursor;
}

std::vector<uint64_t> Sequences(const std::vector<v1::Event>& events) {
  std::vector<uint64_t> sequences;
  for (const v1::Event& event : events) sequences.push_back(event.sequence());
  return sequences;
}

std::string EventCollector::Seen::ToString() const {
  std::ostringstream os;
  os << responses << " responses, " << events.size() << " events, " << gaps.size()
     << " gaps, covered " << covered << ", head " << head;
  const size_t first = events.size() > kEventsPrintedMax ? events.size() - kEventsPrintedMax : 0;
  if (first > 0) os << "\n  ... " << first << " before these";
  for (size_t i = first; i < events.size(); ++i) Print(events[i], os);
  if (ended) os << "\n  ended: " << ::testing::PrintToString(outcome);
  return os.str();
}

EventCollector::EventCollector(v1::Gateway::Stub& stub, const v1::SubscribeEventsRequest& request)
    : reader_(stub.SubscribeEvents(&context_, request)), thread_([this] { Read(); }) {
  EXPECT_TRUE(WaitFor([](const Seen& seen) { return seen.responses > 0 || seen.ended; }));
}

EventCollector::~EventCollector() {
  Cancel();
  thread_.join();
}

v1::Event EventCollector::Next(v1::EventType type) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience,
                    [&] { return seen_.events.size() > events_taken_ || seen_.ended; });
  if (seen_.events.size() <= events_taken_) {
    ADD_FAILURE() << "no " << v1::EventType_Name(type) << " came; seen: " << seen_.ToString();
    return {};
  }
  v1::Event event = seen_.events[events_taken_++];
  if (event.type() != type) {
    ADD_FAILURE() << "expected " << v1::EventType_Name(type) << " as event number " << events_taken_
                  << "; seen: " << seen_.ToString();
    return {};
  }
  return event;
}

::testing::AssertionResult EventCollector::SeesNothingNew() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kQuiet, [&] { return seen_.events.size() > events_taken_; });
  if (seen_.events.size() <= events_taken_) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "more than expected; seen: " << seen_.ToString();
}

::testing::AssertionResult EventCollector::WaitFor(
    const std::function<bool(const Seen&)>& condition, Millis patience) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, patience, [&] { return condition(seen_); })) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "not within " << patience.count() << " ms; seen: " << seen_.ToString();
}

::testing::AssertionResult EventCollector::WaitForEvents(size_t count, Millis patience) {
  return WaitFor([&](const Seen& seen) { return seen.events.size() >= count; }, patience);
}

::testing::AssertionResult EventCollector::WaitForLeaves(size_t count, Millis patience) {
  return WaitFor([&](const Seen& seen) { return seen.leaves >= count; }, patience);
}

::testing::AssertionResult EventCollector::WaitUntilCaughtUp() {
  return WaitFor([](const Seen& seen) { return seen.covered == seen.head; });
}

::testing::AssertionResult EventCollector::WaitForEnd(Millis patience) {
  return WaitFor([](const Seen& seen) { return seen.ended; }, patience);
}

EventCollector::Seen EventCollector::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

v1::Cursor EventCollector::cursor() const {
  const std::lock_guard lock(mutex_);
  return CursorAt(seen_.log_id, seen_.covered);
}

void EventCollector::PauseReading() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void EventCollector::ResumeReading() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

void EventCollector::Cancel() {
  context_.TryCancel();
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

void EventCollector::Read() {
  v1::SubscribeEventsResponse response;
  while (reader_->Read(&response)) {
    Take(response);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !paused_ || cancelled_; });
  }
  const grpc::Status status = reader_->Finish();
  const std::lock_guard lock(mutex_);
  seen_.ended = true;
  seen_.outcome.code = status.error_code();
  seen_.outcome.text = status.error_message();
  seen_.outcome.reason = ReasonOf(context_);
  changed_.notify_all();
}

void EventCollector::Take(const v1::SubscribeEventsResponse& response) {
  const std::lock_guard lock(mutex_);
  if (seen_.responses++ == 0) {
    seen_.log_id = response.log_id();
    seen_.subscription_id = response.subscription_id();
  }
  if (response.has_gap()) seen_.gaps.push_back(response.gap());
  for (const v1::Event& event : response.events()) {
    seen_.leaves += event.has_leave();
    seen_.events.push_back(event);
  }
  seen_.largest_response_bytes = std::max(seen_.largest_response_bytes, response.ByteSizeLong());
  if (response.snapshot_done()) {
    ++seen_.snapshots_done;
    seen_.events_before_snapshot_done = seen_.events.size();
  }
  if (response.covered() < seen_.covered) seen_.covered_went_back = true;
  seen_.covered = response.covered();
  seen_.head = response.head();
  changed_.notify_all();
}

}  // namespace longwire::test
