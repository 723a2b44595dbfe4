#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "longwire/v1/gateway.pb.h"
#include "server/base/loop.h"
#include "server/base/metrics.h"
#include "server/core/session_id.h"
#include "server/engine/local_event_log.h"
#include "server/events/event_reader.h"
#include "server/hub/hub.h"
#include "server/hub/hub_session.h"

namespace longwire::test {

// Never waited out when all is well.
inline constexpr absl::Duration kAnswerPatience = absl::Seconds(30);

// A session without a socket: it does what the edge's does towards the hub, and remembers what the
// hub asked of it. Only on its shard's loop.
class FakeSession final : public HubSession {
 public:
  enum class State { kNew, kWaiting, kRejected, kEntered, kAbandoned, kLeft };

  FakeSession(Shard& shard, std::string uid)
      : shard_(shard), id_(shard.NewId()), uid_(std::move(uid)) {}

  // Claims its uid, and enters at once or when the claim is granted.
  void LogIn() {
    switch (shard_.Claim(*this)) {
      case UidDirectory::Claim::kGranted:
        Enter();
        return;
      case UidDirectory::Claim::kWaiting:
        state = State::kWaiting;
        return;
      case UidDirectory::Claim::kRejected:
        state = State::kRejected;
        return;
    }
  }
  void Enter() {
    state = State::kEntered;
    shard_.Enter(*this, enter, topics);
  }
  void Say(std::string_view text) { shard_.Routed(*this, "", {MessageType::kText, text}); }
  void LeaveFor(LeaveReason reason, uint16_t code = 1000, bool silent = false) {
    state = State::kLeft;
    shard_.Leave(*this, {.reason = reason, .close_code = code, .silent = silent});
  }
  // The client is gone: leaves, or gives up waiting.
  void LoseConnection() {
    if (state == State::kEntered) LeaveFor(LeaveReason::kConnectionLost, 1006);
    if (state == State::kWaiting) Abandon();
  }
  void Abandon() {
    state = State::kAbandoned;
    shard_.Abandon(*this);
  }

  // HubSession
  SessionId id() const override { return id_; }
  std::string_view uid() const override { return uid_; }
  PartitionNumber partition() const override { return shard_.PartitionOf(uid_, id_); }
  Delivery Deliver(MessageView message) override {
    if (answer == Delivery::kQueued) delivered.push_back({message.type, std::string(message.body)});
    return answer;
  }
  Delivery Deliver(const SharedFrame& frame) override {
    if (answer == Delivery::kQueued) frames.push_back(frame);
    return answer;
  }
  void Kick(uint16_t code, std::string_view reason, bool silent) override {
    kick_reason = std::string(reason);
    LeaveFor(LeaveReason::kKicked, code, silent);
  }
  void Drain() override { LeaveFor(LeaveReason::kDrained, 1001); }
  void OnClaimGranted() override {
    ++grants;
    Enter();
  }
  void OnEvicted() override {
    ++evictions;
    if (state == State::kEntered) {
      LeaveFor(LeaveReason::kDuplicateLogin, 4409);
    } else {
      Abandon();
    }
  }
  void Describe(v1::Session& session) const override {
    session.set_session_id(id_);
    session.set_uid(uid_);
    session.set_path(enter.path());
    *session.mutable_attributes() = enter.attributes();
    session.mutable_entered_at()->set_seconds(1'800'000'000);
    session.mutable_entered_at()->set_nanos(250'000'000);
  }

  State state = State::kNew;
  Delivery answer = Delivery::kQueued;
  v1::Enter enter;
  std::vector<std::string> topics;
  std::vector<Message> delivered;
  std::vector<SharedFrame> frames;
  std::string kick_reason;
  int grants = 0;
  int evictions = 0;

 private:
  Shard& shard_;
  const SessionId id_;
  const std::string uid_;
};

// A hub with its loops running, as the gateway puts them together.
class TestHub {
 public:
  static constexpr uint32_t kNode = 5;
  static constexpr uint32_t kPartitions = 16;

  explicit TestHub(uint32_t shards, DuplicateLogin policy = DuplicateLogin::kKickOld)
      : loops_(MakeLoops(shards)),
        metrics_(shards),
        log_("log", 256 * 1024 * 1024, 3'600'000, Clock::Real()),
        ids_(Clock::Real(), 1'704'067'200'000, kNode, shards),
        hub_(loops_, log_, ids_,
             {.node_id = kNode, .partitions = kPartitions, .duplicate_login = policy},
             outbox_budget_, metrics_),
        sessions_(shards) {
    for (const auto& loop : loops_) {
      Shard& shard = *hub_.shards()[loop->index()];
      loop->AddTurnHook([&shard] { shard.EndTurn(); });
      threads_.emplace_back([&loop = *loop] { loop.Run(); });
    }
  }
  ~TestHub() {
    for (const auto& loop : loops_) loop->Stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Hub& hub() { return hub_; }
  EventLog& log() { return log_; }
  Metrics& metrics() { return metrics_; }
  LoopMetrics& metrics(uint32_t shard) { return *metrics_.loop[shard]; }
  Shard& shard(uint32_t index) { return *hub_.shards()[index]; }
  Loop& loop(uint32_t index) { return *loops_[index]; }

  // Runs `work` on a shard's loop and returns when it is done; its turn may still be under way.
  void On(uint32_t index, const std::function<void()>& work) {
    absl::Notification done;
    loops_[index]->Post([&] {
      work();
      done.Notify();
    });
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(kAnswerPatience)) << "the loop does not answer";
  }
  // Returns when everything has come to rest that needs at most a few hops between the loops: a
  // release, the grant that follows, what the granted one does.
  void Settle() {
    for (int hop = 0; hop < 4; ++hop) {
      for (uint32_t i = 0; i < loops_.size(); ++i) On(i, [] {});
    }
  }

  // A new session on a shard, which lives as long as the hub; logged in, and settled.
  FakeSession& LogIn(uint32_t index, const std::string& uid, const v1::Enter& enter = {}) {
    FakeSession& session = Make(index, uid);
    On(index, [&] {
      session.enter = enter;
      session.LogIn();
    });
    Settle();
    return session;
  }
  FakeSession& Make(uint32_t index, const std::string& uid) {
    FakeSession* session = nullptr;
    On(index, [&] { session = &MakeHere(index, uid); });
    return *session;
  }
  // The same for who is on the shard's loop already.
  FakeSession& MakeHere(uint32_t index, const std::string& uid) {
    return sessions_[index].emplace_back(shard(index), uid);
  }
  FakeSession::State StateOf(const FakeSession& session) {
    FakeSession::State state{};
    On(ids_.ShardOf(session.id()), [&] { state = session.state; });
    return state;
  }

  // Everything in the log.
  std::vector<v1::Event> Events() {
    EventReader reader(log_, {.types = EventFilter::kAllTypes, .include_silent = true}, 1);
    EventReader::Chunk chunk;
    std::vector<v1::Event> events;
    while (reader.Read(1024 * 1024, chunk)) {
      v1::SubscribeEventsResponse response;
      EXPECT_TRUE(response.ParseFromString(chunk.framed_events));
      events.insert(events.end(), response.events().begin(), response.events().end());
    }
    return events;
  }
  // The same, as "ENTER 7", "ROUTE 7 hello", "LEAVE 7 DUPLICATE_LOGIN", where 7 is the place of the
  // session among `names`.
  std::vector<std::string> Story(const std::vector<const FakeSession*>& names) {
    std::vector<std::string> story;
    for (const v1::Event& event : Events()) {
      std::string name = "?";
      for (size_t i = 0; i < names.size(); ++i) {
        if (names[i]->id() == event.session_id()) name = std::to_string(i);
      }
      std::string line = v1::EventType_Name(event.type()).substr(11) + " " + name;
      if (event.has_routed()) line += " " + event.routed().message().text();
      if (event.has_leave()) {
        line += " " + v1::LeaveReason_Name(event.leave().reason()).substr(13);
      }
      story.push_back(line);
    }
    return story;
  }

 private:
  static std::vector<std::unique_ptr<Loop>> MakeLoops(uint32_t count) {
    std::vector<std::unique_ptr<Loop>> loops;
    for (uint32_t i = 0; i < count; ++i) loops.push_back(std::make_unique<Loop>(i, Clock::Real()));
    return loops;
  }

  const std::vector<std::unique_ptr<Loop>> loops_;
  Metrics metrics_;
  LocalEventLog log_;
  SnowflakeGenerator ids_;
  ByteBudget outbox_budget_{64 * 1024 * 1024};
  Hub hub_;
  std::vector<std::deque<FakeSession>> sessions_;  // By shard; each used by its loop alone.
  std::vector<std::thread> threads_;
};

}  // namespace longwire::test
