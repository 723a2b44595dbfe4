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
#include "longwire/tls.h"
#include "longwire/v1/gateway.grpc.pb.h"

namespace longwire::client {

namespace internal {
struct Connection;
}

struct ClientOptions {
  // Where the gateway's gRPC port is: host:port, or any gRPC name ("dns:///...", "unix:/...").
  std::string address = "127.0.0.1:9090";
  // Sent with each call as `authorization: Bearer <token>`. Without TLS it travels in the clear:
  // whoever sees the traffic has it. Empty = none; so is one that is not one word of plain ASCII,
  // since no header could carry it.
  std::string token;
  // A file with the token, and only that, for tokens that expire: it is read again for each call
  // and each stream that is opened, so whoever replaces the file has replaced the token. While it
  // cannot be read or holds no token, the last one stays in use, at first `token`. Empty = none.
  std::string token_file;
  // How the channel is secured: by what UseTls in longwire/tls.h put here, or by credentials of any
  // other kind, which count more. Neither means plain text.
  std::shared_ptr<const grpc::SslCredentialsOptions> tls;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // With TLS: the name that the gateway's certificate must be for; empty = the host of `address`.
  std::string tls_server_name;
  // Longest wait for the answer to a single call; past it its status is DEADLINE_EXCEEDED, and it
  // may or may not have taken effect.
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

struct BroadcastResult {
  Status status;
  // Sessions that have it in their outbox, and those that did not take it because theirs was full;
  // nodes that did not answer. Only with OK, which does not say that anybody was reached.
  uint64_t session_count = 0;
  uint64_t skipped_count = 0;
  std::vector<uint32_t> unreachable_nodes;
};

struct SessionResult {
  Status status;
  v1::Session session;
};

struct ListSessionsOptions {
  // At most one of the two: only sessions of this user, or in this topic. Empty = all.
  std::string uid;
  std::string topic;
  // Most sessions on a page; 0 means the gateway's default, 100.
  uint32_t page_size = 0;
  // `next_page_token` of the page before, with the same filter; empty = the first page.
  std::string page_token;
};

struct SessionsResult {
  Status status;
  std::vector<v1::Session> sessions;
  // Empty: this was the last page.
  std::string next_page_token;
  uint64_t total_size = 0;
  // Their sessions are missing.
  std::vector<uint32_t> unreachable_nodes;
};

struct TopicsResult {
  Status status;
  // All that the session is in now, sorted.
  std::vector<std::string> topics;
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

  // Sends one message to many sessions, but for the excepted ones. A full outbox is skipped and
  // counted. Does not retry: who has it already would get it twice.
  BroadcastResult Broadcast(const Audience& audience, const v1::Message& message,
                            const std::vector<int64_t>& except_session_ids = {}) const;

  // Shows one live session, or one page of them. Made for people and tools; to keep a table of
  // sessions that is right, Subscribe with SNAPSHOT.
  SessionResult GetSession(int64_t session_id) const;
  SessionsResult ListSessions(const ListSessionsOptions& options = {}) const;

  // Takes a session out of topics and puts it into others, all or nothing. With neither it only
  // tells its topics.
  TopicsResult UpdateTopics(int64_t session_id, const std::vector<std::string>& join,
                            const std::vector<std::string>& leave = {}) const;

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
  // Makes one call: checks the request, prepares the token, the deadline and a channel that is up,
  // and waits for the answer.
  template <typename Request, typename Response>
  Status Call(grpc::Status (v1::Gateway::Stub::*method)(grpc::ClientContext*, const Request&,
                                                        Response*),
              const Request& request, Response* response) const;

  std::shared_ptr<const internal::Connection> connection_;
  std::chrono::milliseconds call_timeout_;
};

}  // namespace longwire::client
