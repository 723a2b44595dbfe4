#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/echo_backend.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {

// A client, a gateway and an echo behind it: what the WebSocket suites of the field talk to. One
// gateway for all tests of a process; each test has a connection of its own.
class Conformance : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Options options = TestGateway::QuickOptions();
    options.message_bytes_max = kMessageBytesMax;
    options.outbox_bytes_max = 4 * kMessageBytesMax;
    gateway_ = std::make_unique<TestGateway>(options);
    echo_ = std::make_unique<EchoBackend>(gateway_->channel());
  }
  static void TearDownTestSuite() {
    echo_.reset();
    gateway_.reset();
  }
  void SetUp() override { ASSERT_THAT(ws().Open(gateway_->ws()), HasStatus(101)); }

  WsClient& ws() { return client_; }

  void ExpectText(const std::string& text) { EXPECT_EQ(ws().Receive(), Received::Text(text)); }
  void ExpectBinary(const std::string& bytes) {
    EXPECT_EQ(ws().Receive(), Received::Binary(bytes));
  }

  // Expects that the gateway fails the connection with this code, sends nothing else, and ends it.
  void ExpectFail(uint16_t code) { EXPECT_THAT(ws().ReceiveEnd(), IsClose(code)); }
  void ExpectFailAfter(std::string_view bytes, uint16_t code) {
    ws().Send(bytes);
    ExpectFail(code);
  }
  // Expects that the connection is still good.
  void ExpectAlive() {
    ws().Send(PingFrame("alive?"));
    EXPECT_EQ(ws().Receive(), Received::Pong("alive?"));
  }

  // The largest message of all: kMessageBytesMaxMax of server/base/limits.h.
  static constexpr size_t kMessageBytesMax = 1024 * 1024 - 32 * 1024;

 private:
  static inline std::unique_ptr<TestGateway> gateway_;
  static inline std::unique_ptr<EchoBackend> echo_;
  WsClient client_;
};

}  // namespace longwire::test
