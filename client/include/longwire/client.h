// The C++ client of a longwire gateway: start reading here.
//
//   longwire::client::Client client({.address = "127.0.0.1:9090"});
//   auto answers = client.OpenRouteStream();
//   auto events = client.Subscribe({}, {.on_event = [&](const longwire::v1::Event& event) {
//     if (event.type() != longwire::v1::EVENT_TYPE_ROUTE) return;
//     auto to = longwire::client::Target::Session(event.session_id());
//     if (answers->Send(to, event.routed().message()) != longwire::client::SendResult::kQueued) {
//     ... }
//   }});
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "longwire/consumer.h"
#include "longwire/message.h"
#include "longwire/route_stream.h"
#include "longwire/status.h"
#include "longwire/subscription.h"
#include "longwire/v1/gateway.grpc.pb.h"

namespace longwire::client {

namespace internal {
struct Connection;
}

struct ClientOptions {
  // Where the gateway's gRPC port is: host:port, or any gRPC name ("dns:///...", "unix:/...").
  std::string address = "127.0.0.1:9090";
  // Sent with each call as `authorization: Bearer <token>` if not empty. Without TLS it travels
  // in the clear.
  std::string token;
  // How the channel is secured; unset means plain text.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // Longest wait for the answer to Route and Kick; past it they say DEADLINE_EXCEEDED, and the
  // call may or may not have taken effect.
  std::chrono::milliseconds call_timeout{10'000};
};

struct RouteResult {
  Status status;
  // Sessions that took the message, and sessions of the uid that did not. Only with OK.
  uint32_t session_count = 0;
  uint32_t failed_count = 0;
};

struct KickOptions {
  // Close code for the client: 0 (means 1000), 1000, 1001, 1008, 1011 to 1013, 3000 to 4999.
  uint32_t close_code = 0;
  // At most 123 bytes of UTF-8.
  std::string close_reason;
  // The LEAVE goes only to subscriptions with `include_silent`.
  bool silent = false;
};

struct KickResult {
  Status status;
  // Sessions closed. Only with OK.
  uint32_t session_count = 0;
};

// One connection to one gateway, shared by everything made from it. It connects when first used,
// reconnects by itself, and finds a dead peer by a ping each 20 s. Safe from any thread. What it
// made may outlive it.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends one message and waits for the answer. Does not retry. Fails soon with UNAVAILABLE if the
  // gateway cannot be reached. For more than some hundred a second use OpenRouteStream.
  RouteResult Route(const Target& target, const v1::Message& message) const;

  // Closes a session, or all sessions of a uid; what is queued for them is sent first.
  KickResult Kick(const Target& target, const KickOptions& options = {}) const;

  // Opens the fast path. Returns at once, also while the gateway cannot be reached.
  std::unique_ptr<RouteStream> OpenRouteStream(const RouteStreamOptions& options = {}) const;

  // Subscribes to events. Returns at once; connecting goes on behind it. Handlers may be called
  // before this returns.
  std::unique_ptr<Subscription> Subscribe(SubscriptionOptions options,
                                          SubscriptionHandlers handlers) const;

  // Becomes a member of a consumer group, whose events it handles and acknowledges. Returns at
  // once. Handlers may be called before this returns.
  std::unique_ptr<Consumer> Consume(ConsumerOptions options, ConsumerHandlers handlers) const;

  // Acknowledges events of a Subscription with `manual_ack`: single ones, and with `up_to` (0 =
  // unset) that one and all that it was sent before. NOT_FOUND: its stream has ended, and what was
  // not acknowledged comes again; drop it. Repeating it is safe.
  Status Ack(int64_t subscription_id, const std::vector<uint64_t>& sequences,
             uint64_t up_to = 0) const;

  // The door to the calls that this class has no method for. Prepare their context with Authorize.
  v1::Gateway::Stub& stub() const;
  void Authorize(grpc::ClientContext* context) const;
  const std::shared_ptr<grpc::Channel>& channel() const;

 private:
  // What every call of its own begins with: the token, the deadline, and a channel that is up.
  void Prepare(grpc::ClientContext* context) const;

  std::shared_ptr<const internal::Connection> connection_;
  std::chrono::milliseconds call_timeout_;
};

}  // namespace longwire::client
