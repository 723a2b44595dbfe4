#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "tests/support/test_gateway.h"

namespace longwire::test {

// What the clients of a churn know that the log has to agree with. Any thread.
class ChurnLedger {
 public:
  // The client `tag` sent `messages` messages and then a Close frame with its tag as the reason.
  void ClosedInOrder(const std::string& tag, int messages);
  // nullptr when that client never closed in order.
  const int* MessagesOf(const std::string& tag) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> messages_;
};

// Some clients that come, speak, push to each other, kick each other and go, at random. One thread.
class ChurnWorker {
 public:
  // Plays `slots` clients at a time, as uids out of "u0" to "u<uids - 1>".
  ChurnWorker(TestGateway& gateway, ChurnLedger& ledger, uint64_t seed, int index, int slots,
              int uids);

  // One random act of one random client.
  void Step();
  // All clients go.
  void Finish();

  int opened() const { return opened_; }

 private:
  struct Slot {
    WsClient ws;
    bool open = false;
    std::string uid;
    std::string tag;
    int64_t session_id = 0;
    int sent = 0;
  };

  void Open(Slot& slot);
  void Say(Slot& slot);
  void CloseInOrder(Slot& slot);
  void Act(Slot& slot);
  // Reads what has come. False when the connection is over.
  bool ReadAll(Slot& slot);
  int Random(int below) { return static_cast<int>(random_() % static_cast<uint64_t>(below)); }
  std::string RandomUid() { return "u" + std::to_string(Random(uids_)); }

  TestGateway& gateway_;
  ChurnLedger& ledger_;
  std::unique_ptr<v1::Gateway::Stub> stub_;
  std::mt19937_64 random_;
  const int index_;
  const int uids_;
  int opened_ = 0;
  std::vector<Slot> slots_;
};

// Whether one subscriber's events keep every promise: one ENTER and one LEAVE a session, in order,
// every message once and in order, one session a uid at a time, and no message lost of a client
// that closed in order.
::testing::AssertionResult KeepsItsPromises(const std::vector<v1::Event>& events,
                                            const ChurnLedger& ledger);

}  // namespace longwire::test
