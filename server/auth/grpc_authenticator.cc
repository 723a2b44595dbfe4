#include "server/auth/grpc_authenticator.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/base/limits.h"
#include "server/base/log_limiter.h"

namespace longwire {
namespace {

// An authenticator that has restarted is found again within this, not after gRPC's two minutes.
constexpr int kReconnectMillisMax = 2'000;

struct Call {
  grpc::ClientContext context;
  v1::AuthenticateRequest request;
  v1::AuthenticateResponse response;
  absl::AnyInvocable<void(AuthResult)> done;
};

AuthResult Unavailable(std::string_view why) {
  static LogLimiter limiter;
  if (const auto left_out = limiter.Allow()) {
    spdlog::error("{}; clients are asked to try again ({} such lines were left out)", why,
                  *left_out);
  }
  // What went wrong between us and the authenticator is the operator's to know, not the client's.
  return AuthRefused{AuthRefused::Kind::kUnavailable, "authentication is not available"};
}

AuthResult Accept(v1::AuthenticateResponse& response) {
  AuthAccepted accepted{.uid = std::move(*response.mutable_uid())};
  if (response.has_reply()) {
    v1::Message& reply = *response.mutable_reply();
    switch (reply.body_case()) {
      case v1::Message::kText:
        accepted.reply = {MessageType::kText, std::move(*reply.mutable_text())};
        break;
      case v1::Message::kBinary:
        accepted.reply = {MessageType::kBinary, std::move(*reply.mutable_binary())};
        break;
      case v1::Message::BODY_NOT_SET:
        return Unavailable("the authenticator answered with a reply that has no body");
    }
  }
  accepted.attributes.insert(response.attributes().begin(), response.attributes().end());
  if (response.has_expires_at()) {
    // What is beyond a Timestamp's own range is as good as never, either way.
    constexpr int64_t kSecondsMax = 253'402'300'799;
    accepted.expires_at_millis =
        std::clamp(response.expires_at().seconds(), -kSecondsMax, kSecondsMax) * 1'000 +
        response.expires_at().nanos() / 1'000'000;
  }
  accepted.topics.assign(response.topics().begin(), response.topics().end());
  return accepted;
}

AuthResult Refuse(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAUTHENTICATED:
      return AuthRefused{AuthRefused::Kind::kUnauthenticated, status.error_message()};
    case grpc::StatusCode::PERMISSION_DENIED:
      return AuthRefused{AuthRefused::Kind::kForbidden, status.error_message()};
    default:
      return Unavailable(fmt::format("the authenticator cannot be asked: code {}: {}",
                                     static_cast<int>(status.error_code()),
                                     status.error_message()));
  }
}

std::shared_ptr<grpc::Channel> ChannelTo(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMillisMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kGrpcKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kGrpcKeepaliveTimeoutMillis);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

GrpcAuthenticator::GrpcAuthenticator(const GrpcAuthOptions& options)
    : is_command_(options.is_command),
      timeout_millis_(options.timeout_millis),
      stub_(v1::Authenticator::NewStub(ChannelTo(options.address, options.credentials))) {}

void GrpcAuthenticator::Authenticate(AuthRequest request,
                                     absl::AnyInvocable<void(AuthResult)> done) {
  auto call = std::make_shared<Call>();
  call->context.set_deadline(std::chrono::system_clock::now() +
                             std::chrono::milliseconds(timeout_millis_));
  call->request.set_session_id(request.session_id);
  *call->request.mutable_handshake() = std::move(request.handshake);
  if (request.message) {
    v1::Message& message = *call->request.mutable_message();
    if (request.message->type == MessageType::kText) {
      message.set_text(std::move(request.message->body));
    } else {
      message.set_binary(std::move(request.message->body));
    }
  }
  call->done = std::move(done);
  stub_->async()->Authenticate(&call->context, &call->request, &call->response,
                               [call](const grpc::Status& status) {
                                 call->done(status.ok() ? Accept(call->response) : Refuse(status));
                               });
}

}  // namespace longwire
