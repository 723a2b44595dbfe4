#pragma once

#include <grpcpp/channel.h>

#include <deque>
#include <memory>
#include <string>

#include "longwire/v1/gateway.grpc.pb.h"
#include "server/app/gateway.h"
#include "tests/support/event_collector.h"
#include "tests/support/rpc.h"
#include "tests/support/ws_client.h"

namespace longwire::test {

// A gateway in this process on ports of its own, and a channel to it.
class TestGateway {
 public:
  // Port 0 everywhere, two loops (one would hide races), and waits short enough for a test.
  static Options QuickOptions();

  // Throws when the gateway does not start: the test could only crash behind it.
  explicit TestGateway(const Options& options = QuickOptions(), Providers providers = {});
  ~TestGateway();

  Gateway& gateway() { return *gateway_; }
  const std::string& ws() const { return gateway_->endpoints().ws; }
  const std::string& admin() const { return gateway_->endpoints().admin; }
  const std::string& grpc() const { return gateway_->endpoints().grpc; }
  v1::Gateway::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // A second connection: its flow control is its own.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // Stops the gateway as its destructor does, without a drain; what is asked for after it fails.
  void Stop() { gateway_.reset(); }

 private:
  std::unique_ptr<Gateway> gateway_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Gateway::Stub> stub_;
};

// A client with a session, and how its ENTER told it.
struct Peer {
  WsClient ws;
  v1::Event enter;

  int64_t id() const { return enter.session_id(); }
};

// The base of the tests that talk to one gateway: starts it, subscribes from EARLIEST (silent
// LEAVEs too), and lets clients in one by one.
class GatewayTest : public ::testing::Test {
 protected:
  void Start(const Options& options = TestGateway::QuickOptions(), Providers providers = {});

  TestGateway& gateway() { return *gateway_; }
  EventCollector& events() { return *events_; }
  v1::Gateway::Stub& stub() { return gateway_->stub(); }

  // Opens a WebSocket, which stays open as long as the test, and waits for its ENTER, which has to
  // be the next event.
  Peer& Join(const HttpRequest& request = HttpRequest::Upgrade(),
             const WsOpenOptions& options = {});
  // Opens a WebSocket and expects this answer.
  WsClient Open(int status, const HttpRequest& request = HttpRequest::Upgrade());
  // Expects the next event to be the LEAVE of this session.
  v1::Leave NextLeaveOf(const Peer& peer);

  // What GET /metrics answers now.
  std::string MetricsPage();

  RpcOutcome Route(const v1::RouteRequest& request) { return test::Route(stub(), request); }
  RpcOutcome Kick(const v1::KickRequest& request) { return test::Kick(stub(), request); }

 private:
  std::unique_ptr<TestGateway> gateway_;
  std::unique_ptr<EventCollector> events_;
  std::deque<Peer> peers_;
};

// A LEAVE with this reason and close code.
MATCHER_P2(IsLeave, reason, code,
           "is a LEAVE{" + v1::LeaveReason_Name(reason) + "} with the close code " +
               ::testing::PrintToString(code)) {
  return arg.reason() == reason && arg.close_code() == static_cast<uint32_t>(code);
}

}  // namespace longwire::test
