// What stands beside the contract: health, reflection, the admin port.
#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <mutex>

#include "tests/support/health.h"
#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class Services : public GatewayTest {
 protected:
  void SetUp() override {
    Start(TestGateway::QuickOptions(), {.auth = std::make_shared<QueryAuth>()});
  }
};

TEST_F(Services, TellTheirHealth) {
  EXPECT_EQ(HealthOf(gateway().channel(), ""), "SERVING");
  EXPECT_EQ(HealthOf(gateway().channel(), "longwire.v1.Gateway"), "SERVING");
  EXPECT_EQ(HealthOf(gateway().channel(), "longwire.edge"), "SERVING");
}

TEST_F(Services, DoNotKnowTheHealthOfOthers) {
  EXPECT_THAT(HealthOf(gateway().channel(), "no.such.Service"), HasSubstr("error 5"));
}

TEST_F(Services, CanBeReflected) {
  const std::string services = ReflectedServices(gateway().channel());
  EXPECT_THAT(services, HasSubstr("longwire.v1.Gateway"));
  EXPECT_THAT(services, HasSubstr("grpc.health.v1.Health"));
}

TEST_F(Services, CountRefusalsByReason) {
  Route(RouteTo(int64_t{1}, TextMessage("x")));
  Route(RouteTo(int64_t{2}, TextMessage("x")));
  Route(RouteTo("", TextMessage("x")));
  const std::string page = MetricsPage();
  EXPECT_THAT(page, HasSubstr("longwire_refusals_total{reason=\"SESSION_GONE\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("longwire_refusals_total{reason=\"UID_EMPTY\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("# TYPE longwire_refusals_total counter"));
}

TEST_F(Services, CountClientsTurnedAwayByReason) {
  Open(400, HttpRequest::Upgrade().Remove("Host"));
  EXPECT_TRUE(
      EventuallySees([&] { return MetricsPage(); },
                     HasSubstr("longwire_admission_refusals_total{reason=\"bad_request\"} 1")));
}

TEST_F(Services, CountSessionsThatLeftByReason) {
  Peer& peer = Join(HttpRequest::Upgrade("/?uid=alice"));
  Kick(KickOf(peer.id()));
  NextLeaveOf(peer);
  EXPECT_TRUE(EventuallySees([&] { return MetricsPage(); }, HasSubstr("reason=\"kicked\"} 1")));
}

TEST_F(Services, AnswerHealthzOnTheAdminPort) {
  EXPECT_THAT(Fetch(gateway().admin(), HttpRequest::Get("/healthz")), HasStatus(200));
  EXPECT_THAT(Fetch(gateway().admin(), HttpRequest::Get("/readyz")), HasStatus(200));
}

TEST_F(Services, KnowNoOtherPageOnTheAdminPort) {
  EXPECT_THAT(Fetch(gateway().admin(), HttpRequest::Get("/nothing")), HasStatus(404));
}

TEST_F(Services, UpgradeNobodyOnTheAdminPort) {
  EXPECT_NE(Fetch(gateway().admin(), HttpRequest::Upgrade("/")).status, 101);
}

// A caller in another language can send a string that is not UTF-8. No client may ever get it, and
// no subscriber either.
TEST_F(Services, RefuseTextThatIsNotUtf8) {
  Peer& peer = Join(HttpRequest::Upgrade("/?uid=alice"));
  EXPECT_EQ(peer.ws.Receive().kind, Received::Kind::kText);
  const std::string message(
      "\x0a\x04"
      "caf\xe9",
      6);  // Message.text, by hand.
  v1::RouteRequest request;
  request.set_session_id(peer.id());
  std::string bytes = request.SerializeAsString() + "\x1a\x06" + message;
  grpc::Slice slice(bytes);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::ClientContext context;
  SetDeadline(context);
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<grpc::Status> status;
  grpc::GenericStub(gateway().channel())
      .UnaryCall(&context, "/longwire.v1.Gateway/Route", {}, &sent, &answer, [&](grpc::Status got) {
        const std::lock_guard lock(mutex);
        status = std::move(got);
        changed.notify_all();
      });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return status.has_value(); });
  EXPECT_FALSE(status->ok());
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("fine"))), ReachedSessions(1));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("fine"));
}

TEST_F(Services, DoWithoutAnAdminPort) {
  Options options = TestGateway::QuickOptions();
  options.admin_listen = "";
  Start(options);
  EXPECT_EQ(gateway().admin(), "");
  Join();
}

}  // namespace
}  // namespace longwire::test
