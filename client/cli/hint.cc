#include "client/cli/hint.h"

#include <string>

namespace longwire::client::cli {

namespace {

// How gRPC words it when a connection came about and then failed: nothing but its text tells.
std::string_view HintForConnection(const ClientOptions& client, std::string_view text) {
  const auto says = [&](std::string_view words) { return text.find(words) != text.npos; };
  const bool is_tls = client.tls != nullptr;
  if (says("certificate verify failed")) {
    return "its certificate is not to be trusted: it has expired, or its CA is not in --tls-ca "
           "(without that: not among the system's)";
  }
  if (says("is not in peer certificate")) {
    return "its certificate is for another name: if that is right, say it by --tls-server-name";
  }
  // gRPC says so of credentials that it cannot use.
  if (is_tls && says("empty address list")) {
    return "TLS cannot be set up with these files: does --tls-key belong to --tls-cert, and are "
           "all of them whole?";
  }
  if (is_tls && says("wrong version number")) {
    return "it does not speak TLS there: leave out --tls and what begins with --tls-, and unset "
           "LONGWIRE_TLS...";
  }
  if (says("failed to connect") && (says("Socket closed") || says("Connection reset"))) {
    return is_tls ? "it took the connection and closed it, as one does that asks for a "
                    "certificate: see --tls-cert and --tls-key"
                  : "it took the connection and closed it, as one does that speaks TLS: try --tls "
                    "or --tls-ca FILE";
  }
  return "is longwire-gateway running, and is this its --grpc-listen address?";
}

}  // namespace

std::string_view HintFor(const ClientOptions& client, const Status& status) {
  if (status.code == grpc::StatusCode::UNAUTHENTICATED) {
    return client.token.empty() ? "the gateway wants a token: see --token-file"
                                : "the gateway wants another token than that in --token-file";
  }
  // Where the gateway gave a reason, its text says more than a guess.
  if (!status.reason.empty()) return {};
  switch (status.code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return HintForConnection(client, status.text);
    case grpc::StatusCode::UNIMPLEMENTED:
      return "is this the gateway's gRPC port (--grpc-listen)? Perhaps it is older than this "
             "client";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "the gateway wants another token for this: see --token-file";
    case grpc::StatusCode::OUT_OF_RANGE:
      return "the log does not reach so far: take a cursor that the gateway gave, or --from latest";
    default:
      return {};
  }
}

}  // namespace longwire::client::cli
