// The TLS of `longwire connect`.
#pragma once

#include <boost/asio/ssl.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "longwire/tls.h"

namespace longwire::client::cli {

// For one connection, on its thread.
class WebSocketTls {
 public:
  // `host` is the URL's. Of the options, those for a client's certificate are not looked at.
  WebSocketTls(const TlsOptions& options, const std::string& host);

  // Loads the CAs, and makes connections of the context refuse a peer whose certificate is not to
  // be trusted or not for the host. Returns why the CAs cannot be used, or nothing.
  std::string LoadTrust();

  // Makes the connection name the host (SNI).
  void NameHost(SSL* connection) const;

  // Why the handshake ended with this error, for a person, and what may help.
  struct Failure {
    std::string why;
    std::string hint;
  };
  Failure WhyFailed(const boost::system::error_code& error) const;

  boost::asio::ssl::context& context() { return context_; }

 private:
  // OpenSSL asks this of each certificate, from the CA's down to the peer's.
  bool Verify(bool is_trusted, boost::asio::ssl::verify_context& chain);

  const std::string ca_file_;
  const std::string server_name_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  // Set once a certificate was refused.
  Failure refused_;
};

}  // namespace longwire::client::cli
