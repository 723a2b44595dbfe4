#include "client/cli/websocket_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <memory>

#include "client/cli/printable.h"

namespace longwire::client::cli {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

// More names than this are only counted.
constexpr int kNamesShownMax = 5;

bool IsAddress(const std::string& host) {
  error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

// One subject alternative name; empty for kinds that no host is checked against.
std::string NameOf(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    return Printable({text, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName))});
  }
  if (name->type != GEN_IPADD) return "";
  const unsigned char* bytes = ASN1_STRING_get0_data(name->d.iPAddress);
  if (ASN1_STRING_length(name->d.iPAddress) == 4) {
    boost::asio::ip::address_v4::bytes_type v4;
    std::copy(bytes, bytes + v4.size(), v4.begin());
    return boost::asio::ip::address_v4(v4).to_string();
  }
  if (ASN1_STRING_length(name->d.iPAddress) == 16) {
    boost::asio::ip::address_v6::bytes_type v6;
    std::copy(bytes, bytes + v6.size(), v6.begin());
    return boost::asio::ip::address_v6(v6).to_string();
  }
  return "";
}

// What the certificate says it is for: "a.example.org, 192.0.2.1", or "no host at all".
std::string NamesOf(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::string list;
  int shown = 0;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count; ++i) {
    const std::string name = NameOf(sk_GENERAL_NAME_value(names.get(), i));
    if (name.empty()) continue;
    if (++shown > kNamesShownMax) return list + ", ...";
    list += (list.empty() ? "" : ", ") + name;
  }
  return list.empty() ? "no host at all" : list;
}

}  // namespace

WebSocketTls::WebSocketTls(const TlsOptions& options, const std::string& host)
    : ca_file_(options.ca_file),
      server_name_(options.server_name.empty() ? host : options.server_name) {}

std::string WebSocketTls::LoadTrust() {
  // SSL 3 and TLS 1.0 and 1.1 are broken.
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  context_.set_verify_mode(ssl::verify_peer);
  context_.set_verify_callback(
      [this](bool is_trusted, ssl::verify_context& chain) { return Verify(is_trusted, chain); });
  error_code error;
  if (ca_file_.empty()) {
    context_.set_default_verify_paths(error);
    return error ? "cannot load the CAs that the system trusts: " + error.message() : "";
  }
  context_.load_verify_file(ca_file_, error);
  return error ? "cannot use the CA file " + ca_file_ + ": " + error.message() : "";
}

void WebSocketTls::NameHost(SSL* connection) const {
  // An address is no name that a server could choose its certificate by (RFC 6066, 3).
  if (!IsAddress(server_name_)) SSL_set_tlsext_host_name(connection, server_name_.c_str());
}

bool WebSocketTls::Verify(bool is_trusted, ssl::verify_context& chain) {
  if (!is_trusted) {
    const int error = X509_STORE_CTX_get_error(chain.native_handle());
    refused_ = {.why = std::string("its certificate is not to be trusted: ") +
                       X509_verify_cert_error_string(error),
                .hint = ca_file_.empty() ? "if its CA is not one that the system trusts, name "
                                           "that CA's file by --tls-ca"
                                         : "is the CA of its certificate in " + ca_file_ + "?"};
    return false;
  }
  if (ssl::host_name_verification(server_name_)(true, chain)) return true;
  X509* certificate = X509_STORE_CTX_get_current_cert(chain.native_handle());
  refused_ = {.why = "its certificate is not for " + Printable(server_name_) + " but for " +
                     NamesOf(certificate),
              .hint = "if that is the gateway, name it by --tls-server-name"};
  return false;
}

WebSocketTls::Failure WebSocketTls::WhyFailed(const error_code& error) const {
  if (!refused_.why.empty()) return refused_;
  if (error.category() == boost::asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
    return {.why = "what answers there does not speak TLS", .hint = "perhaps it is ws://"};
  }
  if (error == boost::asio::error::eof || error == ssl::error::stream_truncated) {
    return {.why = "it closed the connection during the TLS handshake",
            .hint = "perhaps it does not speak TLS, and it is ws://"};
  }
  return {.why = "the TLS handshake failed: " + error.message(), .hint = ""};
}

}  // namespace longwire::client::cli
