// The commands that are one call: route, broadcast, kick and topics.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/hint.h"
#include "client/cli/printable.h"

namespace longwire::client::cli {

namespace {

std::string Sessions(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " session" : " sessions");
}

std::string ReadAllOfStdin() {
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

// What is to be sent: the argument, or all of stdin.
v1::Message MessageFrom(const std::optional<std::string>& argument, bool is_binary) {
  std::string body = argument ? *argument : ReadAllOfStdin();
  // `echo hi | longwire route` means hi; binary is taken to the byte.
  if (!argument && !is_binary && body.ends_with('\n')) body.pop_back();
  return is_binary ? Binary(std::move(body)) : Text(std::move(body));
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
  if (const std::string hint(HintFor(client, status)); !hint.empty()) {
    std::fprintf(stderr, "longwire: %s\n", hint.c_str());
  }
  return 1;
}

int RunRoute(const ClientOptions& client, const RouteOptions& options) {
  const RouteResult result =
      Client(client).Route(*options.target, MessageFrom(options.message, options.binary));
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

int RunBroadcast(const ClientOptions& client, const BroadcastOptions& options) {
  const BroadcastResult result = Client(client).Broadcast(
      *options.audience, MessageFrom(options.message, options.binary), options.except);
  if (!result.status.ok()) return Fail(client, result.status);
  std::printf("accepted by %s", Sessions(result.session_count).c_str());
  if (result.skipped_count > 0) std::printf(", skipped %s", Sessions(result.skipped_count).c_str());
  std::printf("\n");
  for (const uint32_t node : result.unreachable_nodes) {
    std::fprintf(stderr, "longwire: node %u did not answer; its sessions are in no count\n", node);
  }
  return 0;
}

int RunTopics(const ClientOptions& client, const TopicsOptions& options) {
  const TopicsResult result =
      Client(client).UpdateTopics(options.session_id, options.join, options.leave);
  if (!result.status.ok()) return Fail(client, result.status);
  for (const std::string& topic : result.topics) std::puts(Printable(topic).c_str());
  return 0;
}

}  // namespace longwire::client::cli
