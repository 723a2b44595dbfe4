// Consumer groups over real streams: who is sent what, when a partition moves, and what comes
// again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::ElementsAreArray;

v1::SubscribeEventsRequest Member(v1::StartAt start_at = v1::START_AT_EARLIEST,
                                  const std::string& group = "workers") {
  v1::SubscribeEventsRequest request = From(start_at);
  request.set_consumer_group(group);
  return request;
}

v1::SubscribeEventsRequest AckingMember(v1::StartAt start_at = v1::START_AT_EARLIEST) {
  v1::SubscribeEventsRequest request = Member(start_at);
  request.set_manual_ack(true);
  return request;
}

v1::AckEventsRequest AckOf(int64_t subscription_id, std::vector<uint64_t> sequences,
                           uint64_t up_to = 0) {
  v1::AckEventsRequest request;
  request.set_subscription_id(subscription_id);
  request.mutable_sequences()->Add(sequences.begin(), sequences.end());
  request.set_up_to(up_to);
  return request;
}

std::vector<uint64_t> Sequences(const std::vector<v1::Event>& events) {
  std::vector<uint64_t> sequences;
  for (const v1::Event& event : events) sequences.push_back(event.sequence());
  return sequences;
}

class Groups : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
  }

  // A client of this user, which says these things.
  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/?uid=" + uid)); }
  RpcOutcome Ack(const v1::AckEventsRequest& request) { return AckEvents(stub(), request); }
  // Acknowledges the last event that came, and all before.
  RpcOutcome AckAll(const EventCollector& member) {
    const auto seen = member.seen();
    return Ack(AckOf(seen.subscription_id, {}, seen.events.back().sequence()));
  }
};

TEST_F(Groups, TheOnlyMemberIsSentEverythingInOrder) {
  for (int i = 0; i < 20; ++i) JoinAs("u" + std::to_string(i));
  EventCollector member(stub(), Member());
  ASSERT_TRUE(member.WaitForEvents(20));
  EXPECT_EQ(Sequences(member.seen().events), Sequences(events().seen().events));
  EXPECT_TRUE(member.WaitUntilCaughtUp());
}

}  // namespace
}  // namespace longwire::test
