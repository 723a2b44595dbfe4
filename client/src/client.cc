#include "longwire/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include "connection.h"
#include "consumer_impl.h"
#include "route_check.h"
#include "route_stream_impl.h"
#include "status_of.h"
#include "subscription_impl.h"

namespace longwire::client {

namespace {

// The gateway permits pings from 10 s on; two of ours fit into a balancer's usual idle minute.
constexpr int kKeepaliveMillis = 20'000;
constexpr int kKeepaliveTimeoutMillis = 10'000;
// gRPC would wait 1 s to 2 min between connects, and 20 s for one: too long to be back in time.
constexpr int kReconnectFirstMillis = 100;
constexpr int kReconnectLongestMillis = 2'000;
constexpr int kConnectMillisMax = 5'000;
// How long a single call waits for a lost connection to come back before it says so.
constexpr std::chrono::milliseconds kCallConnectMillis{250};

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const ClientOptions& options) {
  if (options.credentials) return options.credentials;
  return options.tls ? grpc::SslCredentials(*options.tls) : grpc::InsecureChannelCredentials();
}

std::shared_ptr<grpc::Channel> MakeChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMillis);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMillisMax);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectLongestMillis);
  // Two Clients are two connections, whatever gRPC would share behind our back.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.tls_server_name.empty()) {
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options.tls_server_name);
  }
  return grpc::CreateCustomChannel(options.address, CredentialsOf(options), arguments);
}

Status Refused(std::string why) {
  return {.code = grpc::StatusCode::INVALID_ARGUMENT,
          .reason = std::string(kReasonInvalid),
          .text = std::move(why)};
}

}  // namespace

namespace internal {

Connection::Connection(const ClientOptions& options)
    : address(options.address),
      token(options.token, options.token_file),
      channel(MakeChannel(options)),
      stub(v1::Gateway::NewStub(channel)) {}

void Connection::Authorize(grpc::ClientContext* context) const {
  const std::string now = token.Get();
  if (!now.empty()) context->AddMetadata("authorization", "Bearer " + now);
}

bool Connection::WaitForConnected(std::chrono::milliseconds at_most) const {
  return channel->WaitForConnected(std::chrono::system_clock::now() + at_most);
}

}  // namespace internal

Client::Client(ClientOptions options)
    : connection_(std::make_shared<const internal::Connection>(options)),
      call_timeout_(options.call_timeout) {}

Client::~Client() = default;

template <typename Request, typename Response>
Status Client::Call(grpc::Status (v1::Gateway::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                    const Request& request, Response* response) const {
  if (std::string why = internal::WhyInvalid(request); !why.empty()) {
    return Refused(std::move(why));
  }
  grpc::ClientContext context;
  Authorize(&context);
  context.set_deadline(std::chrono::system_clock::now() + call_timeout_);
  connection_->WaitForConnected(std::min(kCallConnectMillis, call_timeout_));
  const grpc::Status status = (connection_->stub.get()->*method)(&context, request, response);
  return internal::StatusOf(status, context);
}

RouteResult Client::Route(const Target& target, const v1::Message& message) const {
  v1::RouteRequest request;
  target.ApplyTo(&request);
  *request.mutable_message() = message;
  v1::RouteResponse response;
  return {.status = Call(&v1::Gateway::Stub::Route, request, &response),
          .session_count = response.session_count(),
          .failed_count = response.failed_count()};
}

KickResult Client::Kick(const Target& target, const KickOptions& options) const {
  v1::KickRequest request;
  target.ApplyTo(&request);
  request.set_close_code(options.close_code);
  request.set_close_reason(options.close_reason);
  request.set_silent(options.silent);
  v1::KickResponse response;
  return {.status = Call(&v1::Gateway::Stub::Kick, request, &response),
          .session_count = response.session_count()};
}

BroadcastResult Client::Broadcast(const Audience& audience, const v1::Message& message,
                                  const std::vector<int64_t>& except_session_ids) const {
  v1::BroadcastRequest request;
  audience.ApplyTo(&request);
  *request.mutable_message() = message;
  request.mutable_except_session_ids()->Add(except_session_ids.begin(), except_session_ids.end());
  v1::BroadcastResponse response;
  return {.status = Call(&v1::Gateway::Stub::Broadcast, request, &response),
          .session_count = response.session_count(),
          .skipped_count = response.skipped_count(),
          .unreachable_nodes = {response.unreachable_nodes().begin(),
                                response.unreachable_nodes().end()}};
}

SessionResult Client::GetSession(int64_t session_id) const {
  v1::GetSessionRequest request;
  request.set_session_id(session_id);
  SessionResult result;
  result.status = Call(&v1::Gateway::Stub::GetSession, request, &result.session);
  return result;
}

SessionsResult Client::ListSessions(const ListSessionsOptions& options) const {
  if (!options.uid.empty() && !options.topic.empty()) {
    return {.status = Refused("only one of uid and topic can be asked for")};
  }
  v1::ListSessionsRequest request;
  if (!options.uid.empty()) request.set_uid(options.uid);
  if (!options.topic.empty()) request.set_topic(options.topic);
  request.set_page_size(options.page_size);
  request.set_page_token(options.page_token);
  v1::ListSessionsResponse response;
  return {.status = Call(&v1::Gateway::Stub::ListSessions, request, &response),
          .sessions = {response.sessions().begin(), response.sessions().end()},
          .next_page_token = response.next_page_token(),
          .total_size = response.total_size(),
          .unreachable_nodes = {response.unreachable_nodes().begin(),
                                response.unreachable_nodes().end()}};
}

TopicsResult Client::UpdateTopics(int64_t session_id, const std::vector<std::string>& join,
                                  const std::vector<std::string>& leave) const {
  v1::UpdateTopicsRequest request;
  request.set_session_id(session_id);
  request.mutable_join()->Add(join.begin(), join.end());
  request.mutable_leave()->Add(leave.begin(), leave.end());
  v1::UpdateTopicsResponse response;
  return {.status = Call(&v1::Gateway::Stub::UpdateTopics, request, &response),
          .topics = {response.topics().begin(), response.topics().end()}};
}

std::unique_ptr<RouteStream> Client::OpenRouteStream(const RouteStreamOptions& options) const {
  return std::unique_ptr<RouteStream>(
      new RouteStream(std::make_unique<RouteStream::Impl>(connection_, options)));
}

std::unique_ptr<Subscription> Client::Subscribe(SubscriptionOptions options,
                                                SubscriptionHandlers handlers) const {
  return std::unique_ptr<Subscription>(new Subscription(
      std::make_unique<Subscription::Impl>(connection_, std::move(options), std::move(handlers))));
}

std::unique_ptr<Consumer> Client::Consume(ConsumerOptions options,
                                          ConsumerHandlers handlers) const {
  return std::unique_ptr<Consumer>(new Consumer(std::make_unique<Consumer::Impl>(
      connection_, std::move(options), std::move(handlers),
      [this](SubscriptionOptions subscription, SubscriptionHandlers subscription_handlers) {
        return Subscribe(std::move(subscription), std::move(subscription_handlers));
      })));
}

Status Client::Ack(int64_t subscription_id, const std::vector<uint64_t>& sequences,
                   uint64_t up_to) const {
  v1::AckEventsRequest request;
  request.set_subscription_id(subscription_id);
  request.mutable_sequences()->Add(sequences.begin(), sequences.end());
  request.set_up_to(up_to);
  v1::AckEventsResponse response;
  return Call(&v1::Gateway::Stub::AckEvents, request, &response);
}

v1::Gateway::Stub& Client::stub() const {
  return *connection_->stub;
}

void Client::Authorize(grpc::ClientContext* context) const {
  connection_->Authorize(context);
}

const std::shared_ptr<grpc::Channel>& Client::channel() const {
  return connection_->channel;
}

}  // namespace longwire::client
