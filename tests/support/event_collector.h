#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "longwire/v1/gateway.grpc.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/rpc.h"

namespace longwire::test {

v1::SubscribeEventsRequest From(v1::StartAt start_at);
v1::SubscribeEventsRequest From(const v1::Cursor& cursor);
v1::Cursor CursorAt(std::string log_id, uint64_t sequence);

std::vector<uint64_t> Sequences(const std::vector<v1::Event>& events);

// One SubscribeEvents stream, read on a thread of its own into a list that a test looks at and
// waits on.
class EventCollector {
 public:
  // What has come so far.
  struct Seen {
    std::string log_id;
    int64_t subscription_id = 0;
    size_t responses = 0;
    size_t largest_response_bytes = 0;
    std::vector<v1::Event> events;
    size_t leaves = 0;  // Among the events.
    std::vector<v1::Gap> gaps;
    size_t snapshots_done = 0;
    size_t events_before_snapshot_done = 0;
    uint64_t covered = 0;
    uint64_t head = 0;
    bool covered_went_back = false;
    bool ended = false;
    RpcOutcome outcome;  // Once ended.

    std::string ToString() const;
  };

  // Subscribes and waits for the first response (or the end): what happens from now on is seen,
  // also with START_AT_LATEST. `stub` must outlive this.
  explicit EventCollector(v1::Gateway::Stub& stub,
                          const v1::SubscribeEventsRequest& request = From(v1::START_AT_EARLIEST));
  ~EventCollector();
  EventCollector(const EventCollector&) = delete;
  EventCollector& operator=(const EventCollector&) = delete;

  // Waits for the next event that no Next() has returned yet and expects it to be of this type;
  // otherwise the test fails and an empty event is returned.
  v1::Event Next(v1::EventType type);
  // Expects that none comes for a while.
  ::testing::AssertionResult SeesNothingNew();

  // Waits until `condition` holds for what has come.
  ::testing::AssertionResult WaitFor(const std::function<bool(const Seen&)>& condition,
                                     Millis patience = kPatience);
  ::testing::AssertionResult WaitForEvents(size_t count, Millis patience = kPatience);
  ::testing::AssertionResult WaitForLeaves(size_t count, Millis patience = kPatience);
  // Until the latest response has covered the log's end of its time. Not while reading is paused:
  // what is then the latest may be long ago.
  ::testing::AssertionResult WaitUntilCaughtUp();
  ::testing::AssertionResult WaitForEnd(Millis patience = kPatience);

  Seen seen() const;
  // The place to resume.
  v1::Cursor cursor() const;

  // From here on responses stay in the stream, so that flow control reaches the gateway, until
  // reading is resumed.
  void PauseReading();
  void ResumeReading();
  // Ends the stream from this side.
  void Cancel();

 private:
  void Read();
  void Take(const v1::SubscribeEventsResponse& response);

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeEventsResponse>> reader_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Seen seen_;                // Guarded by mutex_.
  size_t events_taken_ = 0;  // Guarded by mutex_.
  bool paused_ = false;      // Guarded by mutex_.
  bool cancelled_ = false;   // Guarded by mutex_.

  std::thread thread_;  // The last, so that it starts when all else stands.
};

}  // namespace longwire::test
