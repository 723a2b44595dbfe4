// GetSession and ListSessions: what is shown of a session, and pages that hang together.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"
#include "tests/support/unary_call.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The uid is the query's, and so is an attribute.
class ShownAuth final : public AuthProvider {
 public:
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
    done(AuthAccepted{.uid = QueryValue(request.handshake.query(), "uid"),
                      .attributes = {{"plan", "gold"}}});
  }
};

class Listing : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.node_id = 77;
    options.ws_subprotocols = {"chat"};
    options.duplicate_login = DuplicateLogin::kAllow;
    Start(options, {.auth = std::make_shared<ShownAuth>()});
  }

  Peer& JoinAs(const std::string& uid) { return Join(HttpRequest::Upgrade("/room?uid=" + uid)); }

  RpcOutcome List(const v1::ListSessionsRequest& request, v1::ListSessionsResponse& page) {
    return Call(stub(), &v1::Gateway::Stub::ListSessions, request, page);
  }
  RpcOutcome Refused(const v1::ListSessionsRequest& request) {
    v1::ListSessionsResponse page;
    return List(request, page);
  }
  // The IDs of all pages.
  std::vector<int64_t> ListAll(v1::ListSessionsRequest request) {
    std::vector<int64_t> ids;
    do {
      v1::ListSessionsResponse page;
      const RpcOutcome outcome = List(request, page);
      EXPECT_TRUE(outcome.ok()) << outcome.text;
      if (!outcome.ok()) return ids;
      for (const v1::Session& session : page.sessions()) ids.push_back(session.session_id());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  static v1::ListSessionsRequest PagesOf(uint32_t size) {
    v1::ListSessionsRequest request;
    request.set_page_size(size);
    return request;
  }
};

TEST_F(Listing, ShowsASessionAsItIs) {
  Peer& peer =
      Join(HttpRequest::Upgrade("/room?uid=alice").Set("Sec-WebSocket-Protocol", "other, chat"));
  UpdateTopics(stub(), TopicsOf(peer.id(), {"room"}));
  Route(RouteTo(peer.id(), TextMessage("down")));
  Broadcast(stub(), ToEveryone(TextMessage("down")));
  peer.ws.SendText("up");
  events().Next(v1::EVENT_TYPE_ROUTE);
  v1::Session session;
  ASSERT_TRUE(GetSession(stub(), peer.id(), session).ok());
  EXPECT_EQ(session.session_id(), peer.id());
  EXPECT_EQ(session.uid(), "alice");
  EXPECT_EQ(session.remote_address(), peer.ws.socket().local_address());
  EXPECT_EQ(session.path(), "/room");
  EXPECT_EQ(session.subprotocol(), "chat");
  EXPECT_EQ(session.attributes().at("plan"), "gold");
  EXPECT_EQ(session.entered_at().SerializeAsString(), peer.enter.time().SerializeAsString());
  EXPECT_EQ(session.node_id(), 77u);
  EXPECT_THAT(session.topics(), ElementsAre("room"));
  EXPECT_EQ(session.messages_in(), 1u);
  EXPECT_EQ(session.messages_out(), 2u) << "a Route and a Broadcast";
  v1::ListSessionsResponse page;
  ASSERT_TRUE(List(PagesOf(1), page).ok());
  ASSERT_THAT(page.sessions(), SizeIs(1));
  EXPECT_EQ(page.sessions(0).SerializeAsString(), session.SerializeAsString());
}

TEST_F(Listing, FindsNoSessionThatIsGoneOrNeverWas) {
  Peer& peer = JoinAs("alice");
  peer.ws.SendClose(1000);
  NextLeaveOf(peer);
  v1::Session session;
  for (const int64_t id : {peer.id(), int64_t{4711}, int64_t{-1}}) {
    EXPECT_THAT(GetSession(stub(), id, session), IsRefusal(StatusCode::NOT_FOUND, "SESSION_GONE"));
  }
  EXPECT_THAT(GetSession(stub(), 0, session),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "TARGET_MISSING"));
}

TEST_F(Listing, PagesThroughAllSessionsAUidsOrATopics) {
  std::vector<int64_t> all, alices, in_room;
  for (int i = 0; i < 30; ++i) {
    const Peer& peer = JoinAs(i % 3 == 0 ? "alice" : i % 3 == 1 ? "bob" : "");
    all.push_back(peer.id());
    if (i % 3 == 0) alices.push_back(peer.id());
    if (i % 2 == 0) {
      in_room.push_back(peer.id());
      UpdateTopics(stub(), TopicsOf(peer.id(), {"room"}));
    }
  }
  for (auto* ids : {&all, &alices, &in_room}) std::sort(ids->begin(), ids->end());
  v1::ListSessionsRequest request = PagesOf(4);
  EXPECT_EQ(ListAll(request), all);
  request.set_uid("alice");
  EXPECT_EQ(ListAll(request), alices);
  request.set_topic("room");
  EXPECT_EQ(ListAll(request), in_room);
  request.set_topic("elsewhere");
  EXPECT_THAT(ListAll(request), IsEmpty());
  v1::ListSessionsResponse page;
  ASSERT_TRUE(List(PagesOf(1), page).ok());
  EXPECT_EQ(page.total_size(), 30u);
}

TEST_F(Listing, RefusesAFilterThatCanMatchNothing) {
  v1::ListSessionsRequest request;
  request.set_uid("");
  EXPECT_THAT(Refused(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_EMPTY"));
  request.set_uid(std::string(129, 'u'));
  EXPECT_THAT(Refused(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "UID_INVALID"));
  request.set_topic("no spaces");
  EXPECT_THAT(Refused(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_TOPIC_NAME"));
}

TEST_F(Listing, RefusesATokenOfAnotherListingOrOfNone) {
  JoinAs("alice");
  JoinAs("alice");
  v1::ListSessionsResponse page;
  ASSERT_TRUE(List(PagesOf(1), page).ok());
  const std::string token = page.next_page_token();
  ASSERT_NE(token, "");
  v1::ListSessionsRequest request = PagesOf(1);
  for (const std::string& bad : {token + "0", token.substr(1), std::string("0"),
                                 std::string(32, '0'), std::string(100'000, 'a')}) {
    request.set_page_token(bad);
    EXPECT_THAT(Refused(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_PAGE_TOKEN"));
  }
  request.set_page_token(token);
  EXPECT_TRUE(Refused(request).ok());
  request.set_uid("alice");
  EXPECT_THAT(Refused(request), IsRefusal(StatusCode::INVALID_ARGUMENT, "BAD_PAGE_TOKEN"));
}

TEST_F(Listing, ShowsWhoStaysExactlyOnceWhileOthersComeAndGo) {
  std::vector<int64_t> staying;
  for (int i = 0; i < 60; ++i) staying.push_back(JoinAs("").id());
  std::sort(staying.begin(), staying.end());
  std::atomic<bool> is_over{false};
  std::atomic<int> comings{0};
  std::thread churn([&] {
    std::vector<WsClient> clients(10);
    for (size_t i = 0; !is_over.load(); ++i) {
      WsClient& client = clients[i % clients.size()];
      client.Abort();
      client = WsClient();
      if (client.Open(gateway().ws()).status == 101) ++comings;
    }
  });
  for (int listing = 0; listing < 20 || comings.load() < 100; ++listing) {
    std::vector<int64_t> listed = ListAll(PagesOf(7));
    EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
    EXPECT_EQ(std::adjacent_find(listed.begin(), listed.end()), listed.end());
    EXPECT_TRUE(std::includes(listed.begin(), listed.end(), staying.begin(), staying.end()));
    if (HasFailure()) break;
  }
  is_over = true;
  churn.join();
}

// More sessions than a page takes, and more bytes than a client takes by default.
TEST_F(Listing, FitsAClientThatTakesAtMostFourMebibytes) {
  const std::string long_path = "/" + std::string(8'000, 'p');
  for (int i = 0; i < 700; ++i) Join(HttpRequest::Upgrade(long_path));
  const auto channel = grpc::CreateChannel(gateway().grpc(), grpc::InsecureChannelCredentials());
  const auto other = v1::Gateway::NewStub(channel);
  v1::ListSessionsRequest request = PagesOf(1'000);
  std::set<int64_t> listed;
  do {
    v1::ListSessionsResponse page;
    const RpcOutcome outcome = Call(*other, &v1::Gateway::Stub::ListSessions, request, page);
    ASSERT_TRUE(outcome.ok()) << outcome.text;
    for (const v1::Session& session : page.sessions()) {
      EXPECT_TRUE(listed.insert(session.session_id()).second);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(listed, SizeIs(700));
}

}  // namespace
}  // namespace longwire::test
