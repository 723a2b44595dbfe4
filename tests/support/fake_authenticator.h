#pragma once

#include <grpcpp/server.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "longwire/v1/authenticator.grpc.pb.h"
#include "tests/support/eventually.h"

namespace longwire::test {

// A real Authenticator service on a port of its own. Unless told otherwise it answers OK with, as
// uid, the text of the message if there is one and else the query's `token`.
class FakeAuthenticator final : public v1::Authenticator::Service {
 public:
  using Answer = std::function<grpc::Status(const v1::AuthenticateRequest& request,
                                            v1::AuthenticateResponse& response)>;

  FakeAuthenticator();
  ~FakeAuthenticator() override;

  const std::string& address() const { return address_; }

  void AnswerWith(Answer answer);
  void RefuseWith(grpc::StatusCode code, std::string text);
  // Until it is released, no call is answered.
  void Hold();
  void Release();
  // Ends the service: its port refuses connections from now on.
  void ShutDown();

  // All calls so far, in the order of their arrival, the held ones too.
  std::vector<v1::AuthenticateRequest> calls() const;
  ::testing::AssertionResult WaitForCalls(size_t count);

  grpc::Status Authenticate(grpc::ServerContext* context, const v1::AuthenticateRequest* request,
                            v1::AuthenticateResponse* response) override;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Answer answer_;                               // Guarded by mutex_.
  bool held_ = false;                           // Guarded by mutex_.
  std::vector<v1::AuthenticateRequest> calls_;  // Guarded by mutex_.

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// The value of `name` in "a=1&b=2"; empty when it is not there. Nothing is unescaped.
std::string QueryValue(const std::string& query, const std::string& name);

}  // namespace longwire::test
