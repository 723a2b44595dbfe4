// TLS to a gateway, without writing gRPC code:
//
//   longwire::client::ClientOptions options{.address = "gateway.example.org:9090"};
//   if (auto status = longwire::client::UseTls({.ca_file = "ca.pem"}, &options); !status.ok()) ...
//   longwire::client::Client client(options);
#pragma once

#include <string>

#include "longwire/status.h"

namespace longwire::client {

struct ClientOptions;

// All files are PEM. They are read once, by UseTls.
struct TlsOptions {
  // The certificates that the gateway's must descend from; empty = those that the system trusts.
  std::string ca_file;
  // What the client shows of itself where the gateway asks for it (mTLS): both or neither. The
  // certificate comes first in its file, those between it and its CA behind it.
  std::string cert_file;
  std::string key_file;
  // The name that the gateway's certificate must be for; empty = the host of the address.
  std::string server_name;
};

// Makes a Client of these options speak TLS, 1.2 or newer, and only to a gateway whose certificate
// is right. INVALID_ARGUMENT, and the options as they were: a file cannot be read or is not PEM, or
// there is a certificate without its key or a key without its certificate. Whether the
// certificates are good for anything shows only when the Client connects. Starts no threads, so it
// may be called before signals are blocked for them.
Status UseTls(const TlsOptions& tls, ClientOptions* options);

}  // namespace longwire::client
