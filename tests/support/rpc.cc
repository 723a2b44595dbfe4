#include "tests/support/rpc.h"

#include <chrono>

#include "tests/support/eventually.h"

namespace longwire::test {
namespace {

RpcOutcome Outcome(const grpc::ClientContext& context, const grpc::Status& status) {
  RpcOutcome outcome;
  outcome.code = status.error_code();
  outcome.text = status.error_message();
  outcome.reason = ReasonOf(context);
  return outcome;
}

template <typename Request, typename Target>
Request RequestTo(const Target& target) {
  Request request;
  if constexpr (std::is_convertible_v<Target, std::string>) {
    request.set_uid(target);
  } else {
    request.set_session_id(target);
  }
  return request;
}

template <typename Target>
v1::RouteRequest MakeRoute(const Target& target, v1::Message message) {
  auto request = RequestTo<v1::RouteRequest>(target);
  *request.mutable_message() = std::move(message);
  return request;
}

template <typename Target>
v1::KickRequest MakeKick(const Target& target, uint32_t close_code, std::string reason) {
  auto request = RequestTo<v1::KickRequest>(target);
  request.set_close_code(close_code);
  request.set_close_reason(std::move(reason));
  return request;
}

}  // namespace

v1::Message TextMessage(std::string text) {
  v1::Message message;
  message.set_text(std::move(text));
  return message;
}

v1::Message BinaryMessage(std::string bytes) {
  v1::Message message;
  message.set_binary(std::move(bytes));
  return message;
}

v1::RouteRequest RouteTo(int64_t session_id, v1::Message message) {
  return MakeRoute(session_id, std::move(message));
}

v1::RouteRequest RouteTo(const std::string& uid, v1::Message message) {
  return MakeRoute(uid, std::move(message));
}

v1::KickRequest KickOf(int64_t session_id, uint32_t close_code, std::string reason) {
  return MakeKick(session_id, close_code, std::move(reason));
}

v1::KickRequest KickOf(const std::string& uid, uint32_t close_code, std::string reason) {
  return MakeKick(uid, close_code, std::move(reason));
}

void PrintTo(const RpcOutcome& outcome, std::ostream* os) {
  *os << "code " << outcome.code << " reason \"" << outcome.reason << "\" text \"" << outcome.text
      << "\" session_count " << outcome.session_count << " failed_count " << outcome.failed_count;
}

RpcOutcome Route(v1::Gateway::Stub& stub, const v1::RouteRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RouteResponse response;
  const grpc::Status status = stub.Route(&context, request, &response);
  RpcOutcome outcome = Outcome(context, status);
  outcome.session_count = response.session_count();
  outcome.failed_count = response.failed_count();
  return outcome;
}

RpcOutcome Kick(v1::Gateway::Stub& stub, const v1::KickRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::KickResponse response;
  const grpc::Status status = stub.Kick(&context, request, &response);
  RpcOutcome outcome = Outcome(context, status);
  outcome.session_count = response.session_count();
  return outcome;
}

RpcOutcome AckEvents(v1::Gateway::Stub& stub, const v1::AckEventsRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::AckEventsResponse response;
  const grpc::Status status = stub.AckEvents(&context, request, &response);
  return Outcome(context, status);
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
}

std::string ReasonOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("longwire-reason");
  return found == trailers.end() ? std::string()
                                 : std::string(found->second.data(), found->second.size());
}

}  // namespace longwire::test
