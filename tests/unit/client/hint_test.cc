#include "client/cli/hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longwire::client::cli {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using testing::Not;

std::string Hint(const ClientOptions& client, StatusCode code, const char* text,
                 const char* reason = "") {
  return std::string(HintFor(client, {.code = code, .reason = reason, .text = text}));
}

const ClientOptions kPlain;
const ClientOptions kTls = {.tls = std::make_shared<grpc::SslCredentialsOptions>()};
constexpr char kClosed[] =
    "failed to connect to all addresses; last error: UNAVAILABLE: ipv4:127.0.0.1:1: Socket closed";
constexpr char kRefused[] =
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect "
    "to remote host: Connection refused";

TEST(CliHint, AGatewayThatClosesAConnectionPerhapsSpeaksTls) {
  EXPECT_THAT(Hint(kPlain, StatusCode::UNAVAILABLE, kClosed), HasSubstr("try --tls"));
  EXPECT_THAT(Hint(kPlain, StatusCode::UNAVAILABLE, kRefused), Not(HasSubstr("--tls")));
  EXPECT_THAT(Hint(kPlain, StatusCode::UNAVAILABLE, kRefused), HasSubstr("--grpc-listen"));
  EXPECT_THAT(Hint(kPlain, StatusCode::UNAVAILABLE, "Socket closed"), Not(HasSubstr("--tls")))
      << "it stood before";
}

TEST(CliHint, WithTlsTheCertificatesAreLookedAt) {
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE, kClosed), HasSubstr("--tls-cert"));
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE,
                   "Ssl handshake failed: SSL_ERROR_SSL: certificate verify failed"),
              HasSubstr("--tls-ca"));
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE, "Peer name 127.0.0.1 is not in peer certificate"),
              HasSubstr("--tls-server-name"));
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE, "Ssl handshake failed: wrong version number"),
              HasSubstr("does not speak TLS"));
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE, "empty address list: "),
              HasSubstr("does --tls-key belong to --tls-cert"));
  EXPECT_THAT(Hint(kTls, StatusCode::UNAVAILABLE, kRefused), HasSubstr("--grpc-listen"));
}

TEST(CliHint, AMissingTokenIsToldFromAWrongOne) {
  EXPECT_THAT(Hint(kPlain, StatusCode::UNAUTHENTICATED, "", "TOKEN_MISSING"),
              HasSubstr("wants a token: see --token-file"));
  EXPECT_THAT(Hint({.token = "abc"}, StatusCode::UNAUTHENTICATED, ""),
              HasSubstr("another token than that in --token-file"));
}

TEST(CliHint, IsNotGivenWhereTheGatewayGaveAReason) {
  EXPECT_EQ(Hint(kPlain, StatusCode::UNAVAILABLE, kClosed, "NODE_UNREACHABLE"), "");
  EXPECT_EQ(Hint(kPlain, StatusCode::NOT_FOUND, "x"), "");
}

}  // namespace
}  // namespace longwire::client::cli
