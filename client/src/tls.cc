#include "longwire/tls.h"

#include <memory>
#include <string_view>
#include <utility>

#include "longwire/client.h"
#include "read_file.h"

namespace longwire::client {

namespace {

// Several times what all CAs of a system have.
constexpr size_t kPemBytesMax = size_t{4} << 20;

Status Invalid(std::string why) {
  return {.code = grpc::StatusCode::INVALID_ARGUMENT,
          .reason = std::string(kReasonInvalid),
          .text = std::move(why)};
}

// Fills `pem` from the file. gRPC would say what is wrong with it only when it connects, and then
// in few words, so what can be seen is said here.
Status ReadPem(const std::string& path, const std::string& what, std::string_view label,
               std::string* pem) {
  std::string why = internal::ReadFile("the " + what + " ", path, kPemBytesMax, pem);
  if (!why.empty()) return Invalid(std::move(why));
  if (pem->find("-----BEGIN ") == std::string::npos || pem->find(label) == std::string::npos) {
    return Invalid("the " + what + " " + path + " holds no '-----BEGIN ... " + std::string(label) +
                   "'; is it PEM?");
  }
  return {};
}

}  // namespace

Status UseTls(const TlsOptions& tls, ClientOptions* options) {
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return Invalid(tls.key_file.empty() ? "a client certificate needs its key as well"
                                        : "a client key needs its certificate as well");
  }
  constexpr std::string_view kCertificateLabel = "CERTIFICATE-----";
  grpc::SslCredentialsOptions ssl;
  if (!tls.ca_file.empty()) {
    Status status = ReadPem(tls.ca_file, "CA file", kCertificateLabel, &ssl.pem_root_certs);
    if (!status.ok()) return status;
  }
  if (!tls.cert_file.empty()) {
    Status status =
        ReadPem(tls.cert_file, "certificate file", kCertificateLabel, &ssl.pem_cert_chain);
    if (status.ok()) {
      status = ReadPem(tls.key_file, "key file", "PRIVATE KEY-----", &ssl.pem_private_key);
    }
    if (!status.ok()) return status;
  }
  // Credentials would start gRPC's threads already here.
  options->tls = std::make_shared<const grpc::SslCredentialsOptions>(std::move(ssl));
  options->tls_server_name = tls.server_name;
  return {};
}

}  // namespace longwire::client
