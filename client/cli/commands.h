// What the command line asked for, and the commands that do it. Each returns the exit code: 0 done,
// 1 the answer was an error or did not come (said on stderr); 2, a wrong command line, is main's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/parse.h"
#include "longwire/client.h"

namespace longwire::client::cli {

struct EventsOptions {
  SubscriptionOptions subscription;
  // In a group: each event is acknowledged once it is printed.
  bool ack = false;
  bool json = false;
  // Stop after so many events; 0 means never.
  uint64_t count = 0;
  std::optional<std::chrono::milliseconds> duration;
};

struct RouteOptions {
  std::optional<Target> target;
  // Unset: all of stdin.
  std::optional<std::string> message;
  bool binary = false;
};

struct KickCommandOptions {
  std::optional<Target> target;
  KickOptions kick;
};

struct BroadcastOptions {
  std::optional<Audience> audience;
  std::vector<int64_t> except;
  // Unset: all of stdin.
  std::optional<std::string> message;
  bool binary = false;
};

struct SessionsOptions {
  // Set: only this one.
  std::optional<int64_t> session_id;
  ListSessionsOptions list;
  // Stop after so many; 0 means never.
  uint64_t limit = 0;
  bool json = false;
};

struct TopicsOptions {
  int64_t session_id = 0;
  std::vector<std::string> join;
  std::vector<std::string> leave;
};

struct ConnectOptions {
  WebSocketUrl url;
  // For wss://. Of these only the CA and the name of the server.
  TlsOptions tls;
  // Sent as `Authorization: Bearer` with the handshake; empty = none.
  std::string user_token;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> subprotocols;
  // Sent first, each as a text message; then come the lines of stdin.
  std::vector<std::string> sends;
  // Close after so many messages; 0 means never.
  uint64_t count = 0;
  std::optional<std::chrono::milliseconds> duration;
};

int RunEvents(const ClientOptions& client, const EventsOptions& options);
int RunRoute(const ClientOptions& client, const RouteOptions& options);
int RunKick(const ClientOptions& client, const KickCommandOptions& options);
int RunBroadcast(const ClientOptions& client, const BroadcastOptions& options);
int RunSessions(const ClientOptions& client, const SessionsOptions& options);
int RunTopics(const ClientOptions& client, const TopicsOptions& options);
int RunConnect(const ConnectOptions& options);

// Prints the error to stderr, with a hint on what to look at where one is known. Returns 1.
int Fail(const ClientOptions& client, const Status& status);

}  // namespace longwire::client::cli
