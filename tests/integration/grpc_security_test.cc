// Who may call the gRPC port: --grpc-tls-cert, --grpc-client-ca, --grpc-token-file.
#include <google/protobuf/descriptor.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "tests/support/certificates.h"
#include "tests/support/health.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using ::testing::HasSubstr;

class GrpcSecurity : public ::testing::Test {
 protected:
  // Files that are named here are written before the gateway starts.
  Options WithTls() {
    Options options = TestGateway::QuickOptions();
    WriteCertificate();
    options.grpc_tls_cert = dir_.path() + "/cert.pem";
    options.grpc_tls_key = dir_.path() + "/key.pem";
    return options;
  }
  Options WithMutualTls() {
    Options options = WithTls();
    options.grpc_client_ca = dir_.Write("ca.pem", authority_.certificate());
    return options;
  }
  Options WithTokens(const std::string& tokens) {
    Options options = TestGateway::QuickOptions();
    options.grpc_token_file = dir_.Write("tokens", tokens);
    return options;
  }
  void WriteCertificate() {
    const CertificatePair pair = authority_.Issue("localhost");
    dir_.Write("key.pem", pair.key);
    dir_.Write("cert.pem", pair.certificate);
  }

  // What a Route to nobody comes to over a connection of its own: NOT_FOUND from a gateway that let
  // the caller in.
  RpcOutcome CallAs(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                    const std::string& authorization = "") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, "localhost");
    const auto stub =
        v1::Gateway::NewStub(grpc::CreateCustomChannel(gateway_->grpc(), credentials, arguments));
    grpc::ClientContext context;
    SetDeadline(context);
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    v1::RouteResponse response;
    const grpc::Status status =
        stub->Route(&context, RouteTo(int64_t{1}, TextMessage("x")), &response);
    return {
        .code = status.error_code(), .reason = ReasonOf(context), .text = status.error_message()};
  }
  std::shared_ptr<grpc::ChannelCredentials> Trusting(const CertificatePair& own = {}) const {
    return grpc::SslCredentials({.pem_root_certs = authority_.certificate(),
                                 .pem_private_key = own.key,
                                 .pem_cert_chain = own.certificate});
  }

  const TempDir dir_;
  const Authority authority_;
  std::unique_ptr<TestGateway> gateway_;
};

TEST_F(GrpcSecurity, WithTlsAnswersWhoeverTrustsItsCertificate) {
  gateway_ = std::make_unique<TestGateway>(WithTls());
  EXPECT_THAT(CallAs(Trusting()), IsRefusal(grpc::StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_EQ(CallAs(grpc::InsecureChannelCredentials()).code, grpc::StatusCode::UNAVAILABLE);
  const Authority other;
  EXPECT_EQ(CallAs(grpc::SslCredentials({.pem_root_certs = other.certificate()})).code,
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcSecurity, WithMutualTlsAnswersOnlyHoldersOfACertificateOfItsAuthority) {
  gateway_ = std::make_unique<TestGateway>(WithMutualTls());
  EXPECT_THAT(CallAs(Trusting(authority_.Issue("backend"))),
              IsRefusal(grpc::StatusCode::NOT_FOUND, "SESSION_GONE"));
  EXPECT_EQ(CallAs(Trusting()).code, grpc::StatusCode::UNAVAILABLE) << "without one";
  const Authority other;
  EXPECT_EQ(CallAs(Trusting(other.Issue("backend"))).code, grpc::StatusCode::UNAVAILABLE)
      << "with a stranger's";
}

TEST_F(GrpcSecurity, TakesANewCertificateWhileItRuns) {
  gateway_ = std::make_unique<TestGateway>(WithTls());
  EXPECT_EQ(CallAs(Trusting()).code, grpc::StatusCode::NOT_FOUND);
  const Authority next;
  const CertificatePair pair = next.Issue("localhost");
  dir_.Write("key.pem", pair.key);
  dir_.Write("cert.pem", pair.certificate);
  EXPECT_TRUE(EventuallySees(
      [&] { return CallAs(grpc::SslCredentials({.pem_root_certs = next.certificate()})).code; },
      grpc::StatusCode::NOT_FOUND));
}

TEST_F(GrpcSecurity, DoesNotStartWithFilesThatAreNoGood) {
  Options options = WithMutualTls();
  options.grpc_client_ca = dir_.Write("ca.pem", "no certificate");
  const auto started = Gateway::Start(options, {});
  EXPECT_THAT(std::string(started.status().message()),
              ::testing::AllOf(HasSubstr("--grpc-client-ca"), HasSubstr("ca.pem")));
  options = WithTokens("");
  EXPECT_THAT(std::string(Gateway::Start(options, {}).status().message()),
              ::testing::AllOf(HasSubstr("--grpc-token-file"), HasSubstr("holds no token")));
}

TEST_F(GrpcSecurity, WithTokensAnswersWhoeverHasOne) {
  gateway_ = std::make_unique<TestGateway>(WithTokens("the-old-one\nthe-new-one\n"));
  const auto plain = grpc::InsecureChannelCredentials();
  EXPECT_EQ(CallAs(plain, "Bearer the-old-one").code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(CallAs(plain, "Bearer the-new-one").code, grpc::StatusCode::NOT_FOUND);
  for (const char* wrong : {"", "Bearer another", "Basic the-new-one"}) {
    EXPECT_THAT(CallAs(plain, wrong),
                IsRefusal(grpc::StatusCode::UNAUTHENTICATED, "CALLER_UNAUTHENTICATED"))
        << wrong;
  }
}

TEST_F(GrpcSecurity, TakesNewTokensWhileItRuns) {
  gateway_ = std::make_unique<TestGateway>(WithTokens("the-old-one\n"));
  dir_.Write("tokens", "the-new-one\n");
  const auto plain = grpc::InsecureChannelCredentials();
  EXPECT_TRUE(EventuallySees([&] { return CallAs(plain, "Bearer the-new-one").code; },
                             grpc::StatusCode::NOT_FOUND));
  EXPECT_EQ(CallAs(plain, "Bearer the-old-one").code, grpc::StatusCode::UNAUTHENTICATED);
}

// By the descriptor, so that a method that is added later is asked too.
TEST_F(GrpcSecurity, WithTokensRefusesEveryMethodToWhoeverHasNone) {
  gateway_ = std::make_unique<TestGateway>(WithTokens("the-token\n"));
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName("longwire.v1.Gateway");
  ASSERT_NE(service, nullptr);
  ASSERT_GE(service->method_count(), 9);
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string name = service->method(i)->name();
    grpc::GenericStub stub(gateway_->channel());
    grpc::ClientContext context;
    SetDeadline(context);
    grpc::CompletionQueue queue;
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok);
    };
    const auto call = stub.PrepareCall(&context, "/longwire.v1.Gateway/" + name, &queue);
    call->StartCall(nullptr);
    ASSERT_TRUE(next());
    call->WriteLast(grpc::ByteBuffer(nullptr, 0), {}, nullptr);
    ASSERT_TRUE(next());
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(next());
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << name;
    EXPECT_EQ(ReasonOf(context), "CALLER_UNAUTHENTICATED") << name;
  }
}

TEST_F(GrpcSecurity, LeavesHealthToProbesThatHaveNoToken) {
  gateway_ = std::make_unique<TestGateway>(WithTokens("the-token\n"));
  EXPECT_EQ(HealthOf(gateway_->channel(), "longwire.v1.Gateway"), "SERVING");
}

}  // namespace
}  // namespace longwire::test
