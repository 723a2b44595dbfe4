// The `longwire` command line: what may be asked, and what is refused before anything is sent.
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/gateway_flags.h"

namespace longwire::client::cli {

namespace {

constexpr int kExitUsage = 2;

std::chrono::milliseconds DurationOrUsage(const std::string& text,
                                          const std::string& flag = "--for") {
  const auto duration = ParseDuration(text);
  if (!duration) Usage(flag + ": '" + text + "' is no duration; write 10s, 500ms, 5m or 1h");
  return *duration;
}

// --session or --uid, exactly one of them.
struct TargetFlags {
  int64_t session_id = 0;
  std::string uid;
  CLI::Option* session_option = nullptr;
  CLI::Option* uid_option = nullptr;

  void AddTo(CLI::App* command) {
    session_option = command->add_option("--session", session_id, "The session, by its ID");
    uid_option = command->add_option("--uid", uid, "All sessions of this user");
    session_option->excludes(uid_option);
  }

  Target Get() const {
    if (session_option->count() > 0) return Target::Session(session_id);
    if (uid_option->count() > 0) return Target::Uid(uid);
    Usage("say whom: --session ID or --uid UID");
  }
};

using Command = std::function<int(const ClientOptions&)>;

struct Parsed {
  GatewayFlags gateway;
  bool is_grpc = true;
  Command command;
};

void AddEvents(CLI::App* app, Parsed* parsed) {
  struct Flags {
    EventsOptions options;
    std::string from = "latest";
    std::string after;
    std::vector<std::string> types;
    std::string duration;
    std::string ack_timeout;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("events", "Print events as they happen");
  command->add_flag("--json", flags->options.json, "One JSON object a line");
  auto* from = command
                   ->add_option("--from", flags->from,
                                "latest: what happens from now on; earliest: all that the log "
                                "holds; snapshot: the live sessions, then what follows")
                   ->capture_default_str()
                   ->check(CLI::IsMember({"latest", "earliest", "snapshot"}));
  command->add_option("--after", flags->after, "Resume behind this cursor, LOG_ID:SEQUENCE")
      ->excludes(from);
  command->add_option("--type", flags->types, "Only these types: enter,route,leave")
      ->delimiter(',');
  command->add_flag("--include-silent", flags->options.subscription.include_silent,
                    "Also the LEAVE of a silent kick");
  auto* group = command->add_option("--group", flags->options.subscription.consumer_group,
                                    "Be a member of this consumer group: its members share the "
                                    "events; --from and --after count if it is new");
  auto* ack = command
                  ->add_flag("--ack", flags->options.ack,
                             "Acknowledge each event once it is printed: what is not comes again")
                  ->needs(group);
  command
      ->add_option("--unacked-max", flags->options.subscription.unacked_events_max,
                   "Most events that may await their acknowledgement (1000)")
      ->check(CLI::NonNegativeNumber)
      ->needs(ack);
  command
      ->add_option("--ack-timeout", flags->ack_timeout,
                   "How long one event may go unacknowledged before another member gets it (30s)")
      ->needs(ack);
  command->add_option("--count", flags->options.count, "Stop after so many events")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--for", flags->duration, "Stop after this time: 10s, 500ms, 5m, 1h");
  command->final_callback([flags, parsed] {
    SubscriptionOptions& subscription = flags->options.subscription;
    if (flags->from == "earliest") subscription.start_at = v1::START_AT_EARLIEST;
    if (flags->from == "snapshot") subscription.start_at = v1::START_AT_SNAPSHOT;
    if (!flags->after.empty()) {
      subscription.after = Cursor::Parse(flags->after);
      if (!subscription.after) Usage("--after: '" + flags->after + "' is not LOG_ID:SEQUENCE");
    }
    for (const std::string& word : flags->types) {
      const auto type = ParseEventType(word);
      if (!type) Usage("--type: '" + word + "' is none of enter, route, leave");
      subscription.types.push_back(*type);
    }
    if (!flags->duration.empty()) flags->options.duration = DurationOrUsage(flags->duration);
    if (!flags->ack_timeout.empty()) {
      subscription.ack_timeout = DurationOrUsage(flags->ack_timeout, "--ack-timeout");
    }
    if (!subscription.consumer_group.empty() && flags->from == "snapshot") {
      Usage("--from snapshot: a group has none; each member would see a part of it");
    }
    parsed->command = [flags](const ClientOptions& client) {
      return RunEvents(client, flags->options);
    };
  });
}

void AddRoute(CLI::App* app, Parsed* parsed) {
  struct Flags {
    TargetFlags target;
    std::string message;
    bool binary = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("route", "Send one message to a session or a user");
  flags->target.AddTo(command);
  command->add_flag("--binary", flags->binary, "As a binary message, its bytes as they are");
  auto* message = command->add_option("message", flags->message,
                                      "The message; without it, all of standard input");
  command->final_callback([flags, message, parsed] {
    RouteOptions options{.target = flags->target.Get(), .binary = flags->binary};
    if (message->count() > 0) options.message = flags->message;
    parsed->command = [options](const ClientOptions& client) { return RunRoute(client, options); };
  });
}

void AddKick(CLI::App* app, Parsed* parsed) {
  struct Flags {
    TargetFlags target;
    KickOptions kick;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("kick", "Close a session, or all sessions of a user");
  flags->target.AddTo(command);
  command->add_option("--code", flags->kick.close_code,
                      "Close code: 1000 (default), 1001, 1008, 1011-1013 or 3000-4999");
  command->add_option("--reason", flags->kick.close_reason, "Close reason, up to 123 bytes");
  command->add_flag("--silent", flags->kick.silent,
                    "Its LEAVE is told only to subscriptions that ask for silent ones");
  command->final_callback([flags, parsed] {
    const KickCommandOptions options{.target = flags->target.Get(), .kick = flags->kick};
    parsed->command = [options](const ClientOptions& client) { return RunKick(client, options); };
  });
}

void AddBroadcast(CLI::App* app, Parsed* parsed) {
  struct Flags {
    std::string topic;
    bool everyone = false;
    std::vector<std::string> uids;
    std::string message;
    BroadcastOptions options;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app->add_subcommand("broadcast", "Send one message to a topic, to users, or to everyone");
  auto* audience = command->add_option_group("audience", "To whom")->require_option(1);
  auto* topic = audience->add_option("--topic", flags->topic, "All sessions in this topic");
  audience->add_flag("--everyone", flags->everyone, "All sessions");
  audience->add_option("--uid", flags->uids, "All sessions of this user; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--except", flags->options.except, "But not this session; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--binary", flags->options.binary,
                    "As a binary message, its bytes as they are");
  auto* message = command->add_option("message", flags->message,
                                      "The message; without it, all of standard input");
  command->final_callback([flags, topic, message, parsed] {
    if (topic->count() > 0) {
      flags->options.audience = Audience::Topic(flags->topic);
    } else if (flags->everyone) {
      flags->options.audience = Audience::Everyone();
    } else {
      flags->options.audience = Audience::Uids(flags->uids);
    }
    if (message->count() > 0) flags->options.message = flags->message;
    parsed->command = [flags](const ClientOptions& client) {
      return RunBroadcast(client, flags->options);
    };
  });
}

void AddSessions(CLI::App* app, Parsed* parsed) {
  struct Flags {
    int64_t session_id = 0;
    SessionsOptions options;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("sessions", "Show the live sessions, or one of them");
  auto* id = command->add_option("session", flags->session_id, "Only this session, by its ID");
  auto* uid = command->add_option("--uid", flags->options.list.uid, "Only those of this user");
  auto* topic = command->add_option("--topic", flags->options.list.topic, "Only in this topic");
  auto* limit = command->add_option("--limit", flags->options.limit, "At most so many; 0 = all")
                    ->check(CLI::NonNegativeNumber);
  uid->excludes(topic)->excludes(id);
  topic->excludes(id);
  limit->excludes(id);
  command->add_flag("--json", flags->options.json, "One JSON object a line");
  command->final_callback([flags, id, uid, topic, parsed] {
    SessionsOptions& options = flags->options;
    if (uid->count() > 0 && options.list.uid.empty()) Usage("--uid: the uid is empty");
    if (topic->count() > 0 && options.list.topic.empty()) Usage("--topic: the topic is empty");
    if (id->count() > 0) options.session_id = flags->session_id;
    parsed->command = [flags](const ClientOptions& client) {
      return RunSessions(client, flags->options);
    };
  });
}

void AddTopics(CLI::App* app, Parsed* parsed) {
  auto options = std::make_shared<TopicsOptions>();
  CLI::App* command = app->add_subcommand(
      "topics", "Change the topics that a session is in, and print those it is in then");
  command->add_option("session", options->session_id, "The session, by its ID")->required();
  command->add_option("--join", options->join, "Put it into this topic; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--leave", options->leave, "Take it out of this topic; may be repeated")
      ->allow_extra_args(false);
  command->final_callback([options, parsed] {
    parsed->command = [options](const ClientOptions& client) {
      return RunTopics(client, *options);
    };
  });
}

void AddConnect(CLI::App* app, Parsed* parsed) {
  struct Flags {
    ConnectOptions options;
    std::string url;
    std::vector<std::string> headers;
    std::string user_token_file;
    std::string duration;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand(
      "connect", "Be a WebSocket client: lines of standard input go out, messages are printed");
  command->add_option("url", flags->url, "ws://HOST[:PORT][/PATH], or wss:// for TLS")->required();
  command->add_option("--header", flags->headers, "A header of the handshake, name:value")
      ->allow_extra_args(false);
  auto* token_file = command->add_option(
      "--user-token-file", flags->user_token_file,
      "File with the token of a user, sent as Authorization: Bearer; over ws:// it "
      "travels in the clear");
  command->add_option("--subprotocol", flags->options.subprotocols, "A subprotocol to offer")
      ->allow_extra_args(false);
  command->add_option("--send", flags->options.sends, "Send this text first; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--count", flags->options.count, "Close after so many messages came");
  command->add_option("--for", flags->duration, "Close after this time: 10s, 500ms, 5m, 1h");
  command->final_callback([flags, token_file, parsed] {
    auto url = ParseWebSocketUrl(flags->url);
    if (const auto* why = std::get_if<std::string>(&url)) Usage(flags->url + ": " + *why);
    flags->options.url = std::get<WebSocketUrl>(url);
    flags->options.tls = parsed->gateway.WebSocketTls(flags->options.url);
    if (token_file->count() > 0) {
      flags->options.user_token = TokenOrUsage(flags->user_token_file, "--user-token-file");
    }
    for (const std::string& text : flags->headers) {
      auto header = ParseHeader(text);
      if (!header) Usage("--header: '" + text + "' is not name:value");
      flags->options.headers.push_back(*std::move(header));
    }
    if (!flags->duration.empty()) flags->options.duration = DurationOrUsage(flags->duration);
    parsed->is_grpc = false;
    parsed->command = [flags](const ClientOptions&) { return RunConnect(flags->options); };
  });
}

int Main(int argc, char** argv) {
  // gRPC would tell of failed handshakes by itself, in several lines; ours says what they mean.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  CLI::App app("Talk to a longwire gateway: watch its events, reach its sessions.", "longwire");
  app.footer("Exit codes: 0 done; 1 the gateway's answer was an error, or none came; 2 usage.");
  app.require_subcommand(1);
  app.fallthrough();
  Parsed parsed;
  parsed.gateway.AddTo(&app);
  AddEvents(&app, &parsed);
  AddRoute(&app, &parsed);
  AddBroadcast(&app, &parsed);
  AddKick(&app, &parsed);
  AddSessions(&app, &parsed);
  AddTopics(&app, &parsed);
  AddConnect(&app, &parsed);
  ClientOptions client;
  try {
    app.parse(argc, argv);
    if (parsed.is_grpc) client = parsed.gateway.Client();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return parsed.command(client);
}

}  // namespace

}  // namespace longwire::client::cli

int main(int argc, char** argv) {
  return longwire::client::cli::Main(argc, argv);
}
