#include "tests/support/fake_authenticator.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

namespace longwire::test {

FakeAuthenticator::FakeAuthenticator()
    : answer_([](const v1::AuthenticateRequest& request, v1::AuthenticateResponse& response) {
        response.set_uid(request.has_message() ? request.message().text()
                                               : QueryValue(request.handshake().query(), "token"));
        return grpc::Status::OK;
      }) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
  address_ = "127.0.0.1:" + std::to_string(port);
}

FakeAuthenticator::~FakeAuthenticator() {
  Release();
  ShutDown();
}

void FakeAuthenticator::AnswerWith(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

void FakeAuthenticator::RefuseWith(grpc::StatusCode code, std::string text) {
  AnswerWith([status = grpc::Status(code, std::move(text))](
                 const v1::AuthenticateRequest&, v1::AuthenticateResponse&) { return status; });
}

void FakeAuthenticator::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeAuthenticator::Release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

void FakeAuthenticator::ShutDown() {
  Release();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::vector<v1::AuthenticateRequest> FakeAuthenticator::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

::testing::AssertionResult FakeAuthenticator::WaitForCalls(size_t count) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kPatience, [&] { return calls_.size() >= count; })) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "the Authenticator was asked only " << calls_.size() << " times, not " << count;
}

grpc::Status FakeAuthenticator::Authenticate(grpc::ServerContext*,
                                             const v1::AuthenticateRequest* request,
                                             v1::AuthenticateResponse* response) {
  std::unique_lock lock(mutex_);
  calls_.push_back(*request);
  changed_.notify_all();
  changed_.wait(lock, [&] { return !held_; });
  const Answer answer = answer_;
  lock.unlock();
  return answer(*request, *response);
}

std::string QueryValue(const std::string& query, const std::string& name) {
  for (size_t at = 0; at < query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    if (query.compare(at, name.size() + 1, name + "=") == 0) {
      return query.substr(at + name.size() + 1, end - at - name.size() - 1);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace longwire::test
