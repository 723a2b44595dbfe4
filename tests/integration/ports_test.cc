// A gateway that cannot have its ports, or its options, does not start and says why.
#include <functional>

#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;

absl::Status StartWith(const std::function<void(Options&)>& change) {
  Options options = TestGateway::QuickOptions();
  change(options);
  return Gateway::Start(options, {}).status();
}

void ExpectTaken(const absl::Status& status, const std::string& address) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

class Ports : public ::testing::Test {
 protected:
  TestGateway first_;
};

TEST_F(Ports, OfASecondGatewayOnTheWebSocketPortAreTaken) {
  const std::string taken = first_.gateway().endpoints().ws;
  ExpectTaken(StartWith([&](Options& options) { options.ws_listen = taken; }), taken);
}

TEST_F(Ports, OfASecondGatewayOnTheGrpcPortAreTaken) {
  const std::string taken = first_.gateway().endpoints().grpc;
  ExpectTaken(StartWith([&](Options& options) { options.grpc_listen = taken; }), taken);
}

TEST_F(Ports, OfASecondGatewayOnTheAdminPortAreTaken) {
  const std::string taken = first_.gateway().endpoints().admin;
  ExpectTaken(StartWith([&](Options& options) { options.admin_listen = taken; }), taken);
}

TEST_F(Ports, TakenByAnybodyElseAreTaken) {
  const TakenPort taken;
  ExpectTaken(StartWith([&](Options& options) { options.ws_listen = taken.address(); }),
              taken.address());
  ExpectTaken(StartWith([&](Options& options) { options.grpc_listen = taken.address(); }),
              taken.address());
  ExpectTaken(StartWith([&](Options& options) { options.admin_listen = taken.address(); }),
              taken.address());
}

TEST_F(Ports, AreLeftToTheFirstGateway) {
  const Endpoints& taken = first_.gateway().endpoints();
  EXPECT_FALSE(StartWith([&](Options& options) { options.ws_listen = taken.ws; }).ok());
  EXPECT_FALSE(StartWith([&](Options& options) { options.grpc_listen = taken.grpc; }).ok());
  EXPECT_THAT(WsClient().Open(first_.ws()), HasStatus(101));
  EXPECT_EQ(Route(first_.stub(), RouteTo(int64_t{1}, TextMessage("x"))).reason, "SESSION_GONE");
}

TEST_F(Ports, AreFreeAgainOnceAGatewayHasStopped) {
  const std::string ws = first_.gateway().endpoints().ws;
  const std::string grpc = first_.gateway().endpoints().grpc;
  const std::string admin = first_.gateway().endpoints().admin;
  {
    WsClient client;
    ASSERT_THAT(client.Open(ws), HasStatus(101));
    first_.Stop();
    EXPECT_NE(client.Receive().kind, Received::Kind::kTimeout);
  }
  const absl::Status status = StartWith([&](Options& options) {
    options.ws_listen = ws;
    options.grpc_listen = grpc;
    options.admin_listen = admin;
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(Ports, AreToldAsTheyWereTaken) {
  const Endpoints& endpoints = first_.gateway().endpoints();
  for (const std::string& address : {endpoints.ws, endpoints.grpc, endpoints.admin}) {
    EXPECT_THAT(address, ::testing::StartsWith("127.0.0.1:"));
    EXPECT_THAT(address, ::testing::Not(::testing::EndsWith(":0")));
  }
}

// A start that is refused for an option names it.
struct BadOption {
  const char* name;
  const char* named;
  void (*change)(Options&);
};
void PrintTo(const BadOption& bad, std::ostream* os) {
  *os << bad.name;
}

class OptionRefusal : public ::testing::TestWithParam<BadOption> {};

TEST_P(OptionRefusal, NamesTheOption) {
  const absl::Status status = StartWith(GetParam().change);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().named));
}

const BadOption kBadOptions[] = {
    {"AddressWithoutPort", "ws-listen", [](Options& o) { o.ws_listen = "127.0.0.1"; }},
    {"PortThatIsNoNumber", "grpc-listen", [](Options& o) { o.grpc_listen = "127.0.0.1:http"; }},
    {"PortTooLarge", "admin-listen", [](Options& o) { o.admin_listen = "127.0.0.1:65536"; }},
    {"AuthNoneBeyondLoopback", "auth", [](Options& o) { o.ws_listen = "0.0.0.0:0"; }},
    {"GrpcBeyondLoopback", "grpc-insecure", [](Options& o) { o.grpc_listen = "0.0.0.0:0"; }},
    {"GrpcAuthWithoutAddress", "authenticator-address",
     [](Options& o) { o.auth = AuthKind::kGrpc; }},
    {"FirstMessageWithNobodyToAsk", "auth-at", [](Options& o) { o.auth_at = AuthAt::kMessage; }},
    {"MessageBeyondItsMaximum", "message-bytes-max",
     [](Options& o) { o.message_bytes_max = 1024 * 1024; }},
    {"NodeBeyondItsMaximum", "node-id", [](Options& o) { o.node_id = 1024; }},
    {"EpochThatIsNoDay", "epoch", [](Options& o) { o.epoch = "yesterday"; }},
    {"EpochOfTheFuture", "epoch", [](Options& o) { o.epoch = "2999-01-01"; }},
};

INSTANTIATE_TEST_SUITE_P(Of, OptionRefusal, ::testing::ValuesIn(kBadOptions),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace longwire::test
