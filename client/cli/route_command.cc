// The commands that are one call: route and kick.
#include <cstdio>
#include <iostream>
#include <iterator>

#include "client/cli/commands.h"
#include "client/cli/printable.h"

namespace longwire::client::cli {

namespace {

std::string Sessions(uint32_t count) {
  return std::to_string(count) + (count == 1 ? " session" : " sessions");
}

std::string ReadAllOfStdin() {
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

const char* HintFor(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "is longwire-gateway running, and is this its --grpc-listen address?";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "is this the gateway's gRPC port (--grpc-listen)? Perhaps it is older than this "
             "client";
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return "the gateway wants another token: see --token-file";
    case grpc::StatusCode::OUT_OF_RANGE:
      return "the log does not reach so far: take a cursor that the gateway gave, or --from latest";
    default:
      return nullptr;
  }
}

}  // namespace

int Fail(const ClientOptions& client, const Status& status) {
  std::string line;
  if (status.reason == kReasonInvalid) {
    line = "not sent: " + status.text;
  } else if (status.code == grpc::StatusCode::UNAVAILABLE && status.reason.empty()) {
    line = "cannot reach the gateway at " + client.address + ": " + status.text;
  } else {
    line = "the gateway at " + client.address + " answered " + status.ToString();
  }
  std::fprintf(stderr, "longwire: %s\n", Printable(line).c_str());
  // Where the gateway gave a reason, its text says more than a guess.
  if (const char* hint = HintFor(status.code); hint != nullptr && status.reason.empty()) {
    std::fprintf(stderr, "longwire: %s\n", hint);
  }
  return 1;
}

int RunRoute(const ClientOptions& client, const RouteOptions& options) {
  std::string body = options.message ? *options.message : ReadAllOfStdin();
  // `echo hi | longwire route` means hi; binary is taken to the byte.
  if (!options.message && !options.binary && body.ends_with('\n')) body.pop_back();
  const RouteResult result = Client(client).Route(
      *options.target, options.binary ? Binary(std::move(body)) : Text(std::move(body)));
  if (!result.status.ok()) return Fail(client, result.status);
  std::printf("accepted by %s", Sessions(result.session_count).c_str());
  if (result.failed_count > 0) std::printf(", not by %s", Sessions(result.failed_count).c_str());
  std::printf("\n");
  return 0;
}

int RunKick(const ClientOptions& client, const KickCommandOptions& options) {
  const KickResult result = Client(client).Kick(*options.target, options.kick);
  if (!result.status.ok()) return Fail(client, result.status);
  std::printf("kicked %s\n", Sessions(result.session_count).c_str());
  return 0;
}

}  // namespace longwire::client::cli
