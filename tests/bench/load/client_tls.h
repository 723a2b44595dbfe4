#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace longwire::bench {

// A client's end of TLS, between its frames and its socket. It trusts anybody: what is measured is
// the server.
class ClientTls {
 public:
  ClientTls();

  // Takes what came from the socket and returns what it says. Dies when it is no TLS.
  std::string Decrypt(std::string_view received);
  // Appends `plain`, encrypted, to `out`, behind whatever TLS has to say of itself. Before the
  // handshake is through `plain` waits, for the Decrypt that ends it.
  void Encrypt(std::string_view plain, std::string& out);
  // Appends what TLS has to say of itself.
  void TakeOutput(std::string& out);

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_;  // Owned by ssl_, both.
  BIO* out_;
  std::string waiting_;
};

}  // namespace longwire::bench
