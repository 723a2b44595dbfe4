#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/app/options.h"
#include "server/app/units.h"

#ifndef LONGWIRE_VERSION
#error "the build defines LONGWIRE_VERSION"
#endif

namespace longwire {
namespace {

// The table of all options. A row gives a field its flag, from which the environment variable and
// the key in the config file follow, and its text; the default is what the field holds.
class Table {
 public:
  explicit Table(CLI::App& app) : app_(app) {}

  void Section(std::string name) { section_ = std::move(name); }

  CLI::Option* Text(const std::string& flag, std::string& field, const std::string& text) {
    return Finish(app_.add_option(flag, field, text)->type_name("TEXT"), field);
  }
  void List(const std::string& flag, std::vector<std::string>& field, const std::string& text) {
    Finish(app_.add_option(flag, field, text)->delimiter(',')->type_name("TEXT,..."), "");
  }
  void Flag(const std::string& flag, bool& field, const std::string& text) {
    Finish(app_.add_flag(flag, field, text), "");
  }
  void Number(const std::string& flag, uint32_t& field, const std::string& text) {
    Finish(app_.add_option(flag, field, text)->type_name("N"), std::to_string(field));
  }
  void Count(const std::string& flag, size_t& field, const std::string& text) {
    Finish(app_.add_option(flag, field, text)->type_name("N"), std::to_string(field));
  }
  void Duration(const std::string& flag, int64_t& field, const std::string& text) {
    Parsed(flag, field, text, "DURATION", ParseDuration, FormatDuration(field));
  }
  void Size(const std::string& flag, size_t& field, const std::string& text) {
    Parsed(flag, field, text, "SIZE", ParseSize, FormatSize(field));
  }
  // `Field` is the Enum, or an optional of it when there is no default.
  template <typename Enum, typename Field>
  CLI::Option* Choice(const std::string& flag, Field& field, const std::string& text,
                      const std::map<std::string, Enum>& names) {
    std::string all, chosen;
    for (const auto& [name, value] : names) {
      all += (all.empty() ? "" : "|") + name;
      if (field == value) chosen = name;
    }
    CLI::Option* option = app_.add_option_function<std::string>(
        flag,
        [&field, names, flag, all](const std::string& name) {
          const auto found = names.find(name);
          if (found == names.end()) {
            throw CLI::ValidationError(flag, "\"" + name + "\" is none of " + all);
          }
          field = found->second;
        },
        text);
    return Finish(option->type_name(all), chosen);
  }

 private:
  template <typename Field, typename Parse>
  void Parsed(const std::string& flag, Field& field, const std::string& text, const char* type,
              Parse parse, const std::string& shown) {
    CLI::Option* option = app_.add_option_function<std::string>(
        flag,
        [&field, parse, flag](const std::string& value) {
          const auto parsed = parse(value);
          if (!parsed.ok()) {
            throw CLI::ValidationError(flag, std::string(parsed.status().message()));
          }
          field = *parsed;
        },
        text);
    Finish(option->type_name(type), shown);
  }

  CLI::Option* Finish(CLI::Option* option, const std::string& shown) {
    if (!shown.empty()) option->default_str(shown);
    return option->group(section_);
  }

  CLI::App& app_;
  std::string section_;
};

std::string VariableOf(const std::string& flag) {
  std::string variable = "LONGWIRE_" + flag.substr(2);
  for (char& c : variable) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

// The command line with what the environment adds to it. The library's own way to read variables
// would let the config file win over them.
std::vector<std::string> WithEnvironment(int argc, const char* const* argv, const CLI::App& app) {
  std::vector<std::string> arguments;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool is_empty_value =
        argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    // The library takes the next argument for the value of "--flag=".
    arguments.push_back(is_empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (is_empty_value) arguments.emplace_back();
  }
  for (const CLI::Option* option : app.get_options()) {
    // What asks for something else than a value - help, the version - is not for the environment.
    const bool is_setting = option->get_configurable() || option == app.get_config_ptr();
    if (option->get_lnames().empty() || !is_setting) continue;
    const std::string flag = "--" + option->get_lnames()[0];
    const char* value = std::getenv(VariableOf(flag).c_str());
    const bool is_given = std::any_of(argv + 1, argv + argc, [&](const std::string& argument) {
      return argument == flag || argument.starts_with(flag + "=");
    });
    // An empty variable is as good as none: that is how most tools unset one.
    if (value != nullptr && *value != '\0' && !is_given) arguments.push_back(flag + "=" + value);
  }
  return arguments;
}

void AddJwt(Table& table, Options& o) {
  table.List("--jwt-key-file", o.jwt_key_files,
             "Keys for --auth=jwt: PEM public keys, a JWK Set, or for HS256 a secret a line; read "
             "again when it changes");
  table.Choice<JwtAlgorithm>("--jwt-algorithm", o.jwt_algorithm,
                             "The one algorithm that tokens may be signed with",
                             {{"HS256", JwtAlgorithm::kHs256},
                              {"RS256", JwtAlgorithm::kRs256},
                              {"ES256", JwtAlgorithm::kEs256}});
  table.Text("--jwt-uid-claim", o.jwt_uid_claim, "The claim that is the uid: a string or integer");
  table.Text("--jwt-audience", o.jwt_audience, "Tokens have to be for this audience (aud)");
  table.Text("--jwt-issuer", o.jwt_issuer, "Tokens have to be of this issuer (iss)");
  table.Text("--jwt-cookie", o.jwt_cookie,
             "Name of a cookie that may hold the token; needs --allowed-origins");
}

void AddClientSide(Table& table, Options& o, CLI::Option*& auth) {
  table.Section("Clients (WebSocket)");
  table.Text("--ws-listen", o.ws_listen, "host:port for clients; port 0 = any free one");
  table.Text("--ws-tls-cert", o.ws_tls_cert,
             "PEM file of the certificate and its chain: clients speak TLS (wss://)");
  table.Text("--ws-tls-key", o.ws_tls_key, "PEM file of its key, unencrypted");
  table.List("--allowed-origins", o.allowed_origins,
             "Pages that browsers may connect from, such as https://app.example.com or "
             "https://*.example.com; none = any");
  table.Flag("--proxy-protocol", o.proxy_protocol,
             "Each client connection begins with a PROXY header, v1 or v2, as a balancer sends it");
  table.List("--trusted-proxies", o.trusted_proxies,
             "Addresses and ranges of proxies whose X-Forwarded-For or Forwarded is believed");
  table.Text("--ws-path", o.ws_path, "WebSocket upgrades are taken at this path and below it");
  table.List("--ws-subprotocols", o.ws_subprotocols,
             "Subprotocols that are spoken; a client gets its first that is among them");
  table.Choice<ProtocolKind>("--protocol", o.protocol, "What clients send inside messages",
                             {{"raw", ProtocolKind::kRaw}, {"command", ProtocolKind::kCommand}});
  auth = table.Choice<AuthKind>(
      "--auth", o.auth, "Who decides who a client is",
      {{"none", AuthKind::kNone}, {"jwt", AuthKind::kJwt}, {"grpc", AuthKind::kGrpc}});
  table.Choice<AuthAt>("--auth-at", o.auth_at, "Ask with the handshake or with the first message",
                       {{"handshake", AuthAt::kHandshake}, {"message", AuthAt::kMessage}});
  table.Duration("--auth-timeout", o.auth_timeout_millis, "How long authentication may take");
  table.Text("--authenticator-address", o.authenticator_address,
             "host:port of the backend's Authenticator service, for --auth=grpc");
  table.Text("--authenticator-ca", o.authenticator_ca,
             "PEM file of the authority of its certificate: it is asked over TLS");
  AddJwt(table, o);
  table.Choice<DuplicateLogin>("--duplicate-login", o.duplicate_login,
                               "What happens when a uid with a session logs in again",
                               {{"kick-old", DuplicateLogin::kKickOld},
                                {"reject-new", DuplicateLogin::kRejectNew},
                                {"allow", DuplicateLogin::kAllow}});
  table.Flag("--demo", o.demo, "Serve the demo chat page at GET /");
}

void AddLimits(Table& table, Options& o) {
  table.Section("Limits");
  table.Duration("--handshake-timeout", o.handshake_timeout_millis,
                 "How long a client may take for its HTTP request");
  table.Duration("--keepalive-timeout", o.keepalive_timeout_millis,
                 "Silence after which a client is closed; it is pinged after half; 0 = never");
  table.Duration("--slow-consumer-timeout", o.slow_consumer_timeout_millis,
                 "How long a client may read nothing while something waits for it");
  table.Size("--message-bytes-max", o.message_bytes_max, "Largest message, either way");
  table.Size("--outbox-bytes-max", o.outbox_bytes_max, "What may wait for one client");
  table.Size("--outbox-total-bytes-max", o.outbox_total_bytes_max,
             "What may wait for all clients; 0 = a quarter of memory");
  table.Count("--sessions-max", o.sessions_max, "Most connections; 0 = what the file limit allows");
  table.Count("--sessions-per-ip-max", o.sessions_per_ip_max,
              "Most connections of one client address (IPv6: of one /64); 0 = as many as in all");
  table.Number("--messages-per-second-max", o.messages_per_second_max,
               "Messages a client may send; it is closed beyond it; 0 = any number");
  table.Size("--bytes-per-second-max", o.bytes_per_second_max,
             "Bytes a client may send, a second's worth at once; 0 = any number");
  table.Size("--event-log-bytes-max", o.event_log_bytes_max, "What the event log retains, in size");
  table.Duration("--event-log-age-max", o.event_log_age_max_millis,
                 "What the event log retains, in time");
  table.Duration("--group-retention", o.group_retention_millis,
                 "How long the place of a consumer group without members is kept");
}

void AddBackendSide(Table& table, Options& o) {
  table.Section("Backends (gRPC)");
  table.Text("--grpc-listen", o.grpc_listen, "host:port for backends; port 0 = any free one");
  table.Text("--grpc-tls-cert", o.grpc_tls_cert,
             "PEM file of the certificate and its chain: backends speak TLS");
  table.Text("--grpc-tls-key", o.grpc_tls_key, "PEM file of its key, unencrypted");
  table.Text("--grpc-client-ca", o.grpc_client_ca,
             "PEM file of an authority: backends need a certificate of it (mTLS)");
  table.Text("--grpc-token-file", o.grpc_token_file,
             "File of bearer tokens, one a line: backends need one of them");
  table.Flag("--grpc-insecure", o.grpc_insecure,
             "Allow --grpc-listen beyond loopback although nothing protects it");
  table.Duration("--grpc-connection-age-max", o.grpc_connection_age_max_millis,
                 "Age at which a backend's connection is asked to reconnect; 0 = never");
}

void AddOperation(Table& table, Options& o) {
  table.Section("Operation");
  table.Text("--admin-listen", o.admin_listen, "host:port for /metrics and health; empty = none");
  table.Number("--threads", o.threads, "Event loops; 0 = one a core");
  table.Number("--node-id", o.node_id, "This node's number in session IDs, 0 to 1023");
  table.Number("--event-partitions", o.event_partitions,
               "Parts of the event log that the members of a consumer group share, 1 to 1024");
  table.Text("--epoch", o.epoch, "The day that session IDs count from; never change it");
  table.Duration("--drain-delay", o.drain_delay_millis,
                 "After SIGTERM: from the end of admission to the first close");
  table.Duration("--drain-period", o.drain_period_millis,
                 "After SIGTERM: the time over which sessions are closed");
  table.Text("--log-level", o.log_level, "trace, debug, info, warn, error or off");
  table.Choice<LogFormat>("--log-format", o.log_format, "What a log line is",
                          {{"text", LogFormat::kText}, {"json", LogFormat::kJson}});
}

}  // namespace

CommandLineResult ParseCommandLine(int argc, const char* const* argv, Options& options) {
  CLI::App app(
      "longwire-gateway holds WebSocket sessions for backends that speak gRPC.\n"
      "Each option is also an environment variable (LONGWIRE_WS_LISTEN for --ws-listen) and a\n"
      "key of the file that --config names (ws-listen=\"...\"); a flag wins over the variable,\n"
      "which wins over the file. Durations: 250ms, 10s, 5m, 1h. Sizes: 65536, 64KiB, 1MiB.",
      "longwire-gateway");
  app.set_version_flag("--version", LONGWIRE_VERSION);
  app.set_config("--config", "", "A file of options, one key=value a line");
  app.allow_config_extras(CLI::config_extras_mode::error);
  bool is_check_only = false;
  app.add_flag("--check-config", is_check_only, "Check the options, say what is wrong, and exit")
      ->configurable(false);
  Table table(app);
  CLI::Option* auth = nullptr;
  AddClientSide(table, options, auth);
  AddLimits(table, options);
  AddBackendSide(table, options);
  AddOperation(table, options);
  const std::vector<std::string> arguments = WithEnvironment(argc, argv, app);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  try {
    app.parse(static_cast<int>(pointers.size()), pointers.data());
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? CommandLineResult::kExitOk : CommandLineResult::kExitUsage;
  }
  options.auth_is_explicit = auth->count() > 0;
  if (const absl::Status status = ValidateOptions(options); !status.ok()) {
    std::fprintf(stderr, "longwire-gateway: %s\n", std::string(status.message()).c_str());
    return CommandLineResult::kExitUsage;
  }
  if (is_check_only) {
    std::puts("The options are valid.");
    return CommandLineResult::kExitOk;
  }
  return CommandLineResult::kRun;
}

}  // namespace longwire
