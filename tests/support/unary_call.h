#pragma once

#include <string>
#include <vector>

#include "longwire/v1/gateway.grpc.pb.h"
#include "tests/support/rpc.h"

namespace longwire::test {

// Makes any unary call of the Gateway, as Route and Kick are made: with a deadline of its own.
//   v1::Session session;
//   Call(stub, &v1::Gateway::Stub::GetSession, request, session)
template <typename Request, typename Response>
RpcOutcome Call(v1::Gateway::Stub& stub,
                grpc::Status (v1::Gateway::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                const Request& request, Response& response) {
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status status = (stub.*method)(&context, request, &response);
  RpcOutcome outcome;
  outcome.code = status.error_code();
  outcome.text = status.error_message();
  outcome.reason = ReasonOf(context);
  return outcome;
}

struct BroadcastOutcome : RpcOutcome {
  v1::BroadcastResponse response;
};
inline BroadcastOutcome Broadcast(v1::Gateway::Stub& stub, const v1::BroadcastRequest& request) {
  BroadcastOutcome outcome;
  static_cast<RpcOutcome&>(outcome) =
      Call(stub, &v1::Gateway::Stub::Broadcast, request, outcome.response);
  outcome.session_count = static_cast<uint32_t>(outcome.response.session_count());
  return outcome;
}

inline v1::BroadcastRequest ToEveryone(v1::Message message) {
  v1::BroadcastRequest request;
  request.set_everyone(true);
  *request.mutable_message() = std::move(message);
  return request;
}
inline v1::BroadcastRequest ToTopic(const std::string& topic, v1::Message message) {
  v1::BroadcastRequest request = ToEveryone(std::move(message));
  request.set_topic(topic);
  return request;
}
inline v1::BroadcastRequest ToUids(const std::vector<std::string>& uids, v1::Message message) {
  v1::BroadcastRequest request = ToEveryone(std::move(message));
  request.mutable_uids()->mutable_uids()->Add(uids.begin(), uids.end());
  return request;
}

inline v1::UpdateTopicsRequest TopicsOf(int64_t session_id, const std::vector<std::string>& join,
                                        const std::vector<std::string>& leave = {}) {
  v1::UpdateTopicsRequest request;
  request.set_session_id(session_id);
  request.mutable_join()->Add(join.begin(), join.end());
  request.mutable_leave()->Add(leave.begin(), leave.end());
  return request;
}
inline RpcOutcome UpdateTopics(v1::Gateway::Stub& stub, const v1::UpdateTopicsRequest& request,
                               std::vector<std::string>* topics = nullptr) {
  v1::UpdateTopicsResponse response;
  const RpcOutcome outcome = Call(stub, &v1::Gateway::Stub::UpdateTopics, request, response);
  if (topics != nullptr) topics->assign(response.topics().begin(), response.topics().end());
  return outcome;
}

inline RpcOutcome GetSession(v1::Gateway::Stub& stub, int64_t session_id, v1::Session& session) {
  v1::GetSessionRequest request;
  request.set_session_id(session_id);
  return Call(stub, &v1::Gateway::Stub::GetSession, request, session);
}

}  // namespace longwire::test
