#include "tests/support/test_gateway.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <stdexcept>

namespace longwire::test {
namespace {

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Without it, channels with equal arguments share one connection, also across tests.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  // Else the window grows to many megabytes, and a subscriber that does not read takes all.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Options TestGateway::QuickOptions() {
  Options options;
  options.ws_listen = "127.0.0.1:0";
  options.grpc_listen = "127.0.0.1:0";
  options.admin_listen = "127.0.0.1:0";
  options.threads = 2;
  options.drain_period_millis = 200;
  options.log_level = "error";
  return options;
}

TestGateway::TestGateway(const Options& options, Providers providers) {
  auto started = Gateway::Start(options, std::move(providers));
  if (!started.ok()) throw std::runtime_error("no gateway: " + started.status().ToString());
  gateway_ = *std::move(started);
  channel_ = NewChannel();
  stub_ = v1::Gateway::NewStub(channel_);
}

TestGateway::~TestGateway() = default;

std::shared_ptr<grpc::Channel> TestGateway::NewChannel() const {
  return ChannelTo(gateway_->endpoints().grpc);
}

void GatewayTest::Start(const Options& options, Providers providers) {
  peers_.clear();
  events_.reset();
  gateway_ = std::make_unique<TestGateway>(options, std::move(providers));
  events_ = std::make_unique<EventCollector>(stub());
}

Peer& GatewayTest::Join(const HttpRequest& request, const WsOpenOptions& options) {
  Peer& peer = peers_.emplace_back();
  const HttpAnswer answer = peer.ws.Open(gateway().ws(), request, options);
  EXPECT_THAT(answer, HasStatus(101));
  EXPECT_EQ(answer.problem, "");
  peer.enter = events().Next(v1::EVENT_TYPE_ENTER);
  return peer;
}

WsClient GatewayTest::Open(int status, const HttpRequest& request) {
  WsClient client;
  EXPECT_THAT(client.Open(gateway().ws(), request), HasStatus(status));
  return client;
}

std::string GatewayTest::MetricsPage() {
  const HttpAnswer answer = Fetch(gateway().admin(), HttpRequest::Get("/metrics"));
  EXPECT_THAT(answer, HasStatus(200));
  return answer.body;
}

v1::Leave GatewayTest::NextLeaveOf(const Peer& peer) {
  const v1::Event event = events().Next(v1::EVENT_TYPE_LEAVE);
  EXPECT_EQ(event.session_id(), peer.id());
  EXPECT_EQ(event.uid(), peer.enter.uid());
  return event.leave();
}

}  // namespace longwire::test
