#include "server/app/grpc_credentials.h"

#include <fmt/format.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "server/base/limits.h"
#include "server/edge/tls_context.h"

namespace longwire {
namespace {

absl::Status CheckAuthority(const std::string& file) {
  ERR_clear_error();
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  if (X509_STORE_load_file(store.get(), file.c_str()) == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is no certificate in PEM: {}", file, TakeTlsError()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeGrpcCredentials(
    const GrpcTlsFiles& files) {
  if (files.certificate.empty()) return grpc::InsecureServerCredentials();
  // gRPC itself would start with files it cannot use, and only fail every handshake.
  const auto checked = TlsContext::Load(files.certificate, files.key);
  if (!checked.ok()) return checked.status();
  const bool is_mutual = !files.client_ca.empty();
  if (is_mutual) {
    if (absl::Status status = CheckAuthority(files.client_ca); !status.ok()) return status;
  }
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key, files.certificate, files.client_ca, kFileWatchMillis / 1'000));
  options.watch_identity_key_cert_pairs();
  if (is_mutual) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace longwire
