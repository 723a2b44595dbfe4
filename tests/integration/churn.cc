#include "tests/integration/churn.h"

#include <algorithm>

namespace longwire::test {

void ChurnLedger::ClosedInOrder(const std::string& tag, int messages) {
  const std::lock_guard lock(mutex_);
  messages_[tag] = messages;
}

const int* ChurnLedger::MessagesOf(const std::string& tag) const {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(tag);
  return found == messages_.end() ? nullptr : &found->second;
}

ChurnWorker::ChurnWorker(TestGateway& gateway, ChurnLedger& ledger, uint64_t seed, int index,
                         int slots, int uids)
    : gateway_(gateway),
      ledger_(ledger),
      stub_(v1::Gateway::NewStub(gateway.NewChannel())),
      random_(seed + static_cast<uint64_t>(index)),
      index_(index),
      uids_(uids),
      slots_(static_cast<size_t>(slots)) {}

void ChurnWorker::Step() {
  Slot& slot = slots_[static_cast<size_t>(Random(static_cast<int>(slots_.size())))];
  if (slot.open && !ReadAll(slot)) {
    slot.open = false;
    slot.ws.Close();
  }
  if (slot.open) {
    Act(slot);
  } else {
    Open(slot);
  }
}

void ChurnWorker::Open(Slot& slot) {
  slot.uid = RandomUid();
  slot.tag = "w" + std::to_string(index_) + "-" + std::to_string(opened_++);
  slot.sent = 0;
  slot.session_id = 0;
  // It may lose to another login of the same uid in the same moment.
  slot.open = slot.ws.Open(gateway_.ws(), HttpRequest::Upgrade("/?uid=" + slot.uid)).status == 101;
}

void ChurnWorker::Say(Slot& slot) {
  std::string frames;
  for (int count = 1 + Random(5); count > 0; --count) {
    const std::string text = slot.tag + ":" + std::to_string(slot.sent++);
    frames += Random(4) == 0 ? Fragmented(Op::kText, text, 3) : TextFrame(text);
  }
  slot.ws.Send(frames);
}

void ChurnWorker::CloseInOrder(Slot& slot) {
  // Before the frame leaves: the LEAVE may be judged before we are on again.
  ledger_.ClosedInOrder(slot.tag, slot.sent);
  slot.ws.SendClose(1000, slot.tag);
  slot.open = false;
  // The gateway ends the connection; whether the next client comes before or after is chance.
  if (Random(2) == 0) slot.ws.ReceiveEnd();
  slot.ws.socket().ShutdownWrite();
}

void ChurnWorker::Act(Slot& slot) {
  const int act = Random(100);
  if (act < 50) {
    Say(slot);
  } else if (act < 60) {
    CloseInOrder(slot);
  } else if (act < 65) {
    Say(slot);
    slot.ws.Abort();
    slot.open = false;
  } else if (act < 70) {
    slot.ws.Close();
    slot.open = false;
  } else if (act < 75) {
    Kick(*stub_, Random(2) == 0 ? KickOf(slot.session_id) : KickOf(RandomUid(), 4000));
  } else if (act < 90) {
    const v1::Message message = TextMessage("push of " + slot.tag);
    Route(*stub_,
          Random(2) == 0 ? RouteTo(slot.session_id, message) : RouteTo(RandomUid(), message));
  } else if (act < 95) {
    Say(slot);
    slot.ws.Close();
    slot.open = false;
  } else {
    slot.ws.Send(PingFrame("ping"));
  }
}

bool ChurnWorker::ReadAll(Slot& slot) {
  while (true) {
    const Received received = slot.ws.Receive(Millis(0));
    switch (received.kind) {
      case Received::Kind::kText:
        if (slot.session_id == 0) slot.session_id = std::stoll(received.payload);
        break;
      case Received::Kind::kPong:
        break;
      case Received::Kind::kTimeout:
        return true;
      case Received::Kind::kBadFrame:
      case Received::Kind::kBinary:
      case Received::Kind::kPing:
        ADD_FAILURE() << slot.tag << " got " << ::testing::PrintToString(received);
        return false;
      default:
        return false;
    }
  }
}

void ChurnWorker::Finish() {
  for (Slot& slot : slots_) {
    if (slot.open) CloseInOrder(slot);
    slot.ws.Close();
  }
}

namespace {

struct SessionState {
  bool live = true;
  std::string tag;
  int messages = 0;
};

std::string Check(const v1::Event& event, std::map<int64_t, SessionState>& sessions,
                  std::map<std::string, int64_t>& owners, const ChurnLedger& ledger) {
  if (event.has_enter()) {
    if (!sessions.emplace(event.session_id(), SessionState()).second) return "a second ENTER";
    if (!owners.emplace(event.uid(), event.session_id()).second) return "the uid is taken";
    return {};
  }
  const auto found = sessions.find(event.session_id());
  if (found == sessions.end()) return "no ENTER before it";
  SessionState& session = found->second;
  if (!session.live) return "behind its LEAVE";
  if (event.has_routed()) {
    const std::string& text = event.routed().message().text();
    const size_t colon = text.rfind(':');
    if (session.messages == 0) session.tag = text.substr(0, colon);
    const std::string wanted = session.tag + ":" + std::to_string(session.messages++);
    return text == wanted ? "" : "message " + text + " in place of " + wanted;
  }
  session.live = false;
  if (owners[event.uid()] != event.session_id()) return "LEAVE of one that is not the owner";
  owners.erase(event.uid());
  if (event.leave().reason() != v1::LEAVE_REASON_CLIENT_CLOSED) return {};
  const int* const sent = ledger.MessagesOf(event.leave().close_reason());
  if (sent == nullptr) return "closed by nobody: " + event.leave().ShortDebugString();
  if (*sent != session.messages) {
    return std::to_string(session.messages) + " of " + std::to_string(*sent) + " messages";
  }
  return {};
}

}  // namespace

::testing::AssertionResult KeepsItsPromises(const std::vector<v1::Event>& events,
                                            const ChurnLedger& ledger) {
  std::map<int64_t, SessionState> sessions;
  std::map<std::string, int64_t> owners;
  uint64_t last_sequence = 0;
  for (const v1::Event& event : events) {
    std::string problem = Check(event, sessions, owners, ledger);
    if (event.sequence() <= last_sequence) problem += " sequences do not grow";
    last_sequence = event.sequence();
    if (!problem.empty()) {
      return ::testing::AssertionFailure() << event.ShortDebugString() << ": " << problem;
    }
  }
  for (const auto& [id, session] : sessions) {
    if (session.live) return ::testing::AssertionFailure() << id << " never left";
  }
  return ::testing::AssertionSuccess();
}

}  // namespace longwire::test
