#include "server/edge/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/edge/tls_stream.h"
#include "tests/support/certificates.h"

namespace longwire {
namespace {

using test::Authority;
using test::CertificatePair;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsContextTest : public ::testing::Test {
 protected:
  std::string LoadError(const std::string& certificate, const std::string& key) {
    const auto context =
        TlsContext::Load(dir_.Write("cert.pem", certificate), dir_.Write("key.pem", key));
    return context.ok() ? "" : std::string(context.status().message());
  }

  const TempDir dir_;
  const Authority authority_;
  const CertificatePair pair_ = authority_.Issue("gateway");
};

TEST_F(TlsContextTest, TakesACertificateWithItsChainAndItsKey) {
  EXPECT_EQ(LoadError(pair_.certificate, pair_.key), "");
  EXPECT_EQ(LoadError(pair_.certificate + authority_.certificate(), pair_.key), "");
}

TEST_F(TlsContextTest, NamesTheFileThatIsWrong) {
  EXPECT_THAT(LoadError("no PEM", pair_.key),
              AllOf(HasSubstr("cert.pem is no certificate"), HasSubstr("no start line")));
  EXPECT_THAT(LoadError(pair_.certificate, "no PEM"), HasSubstr("key.pem is no unencrypted key"));
  EXPECT_THAT(LoadError(pair_.certificate, authority_.Issue("other").key),
              AllOf(HasSubstr("key.pem"), HasSubstr("key values mismatch")));
  const auto absent = TlsContext::Load("/nowhere/cert.pem", "/nowhere/key.pem");
  EXPECT_THAT(std::string(absent.status().message()),
              AllOf(HasSubstr("/nowhere/cert.pem"), HasSubstr("No such file")));
}

TEST_F(TlsContextTest, KeepsTheOldCertificateUntilTheNewOneHasItsKey) {
  auto context =
      TlsContext::Load(dir_.Write("cert.pem", pair_.certificate), dir_.Write("key.pem", pair_.key));
  ASSERT_TRUE(context.ok());
  const CertificatePair next = authority_.Issue("gateway");
  dir_.Write("cert.pem", next.certificate);
  EXPECT_FALSE((*context)->Reload().ok());
  EXPECT_NE((*context)->NewStream(), nullptr);
  dir_.Write("key.pem", next.key);
  EXPECT_TRUE((*context)->Reload().ok());
}

}  // namespace
}  // namespace longwire
