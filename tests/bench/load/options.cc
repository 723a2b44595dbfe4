#include "tests/bench/load/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/common/net.h"
#include "tests/bench/load/modes.h"
#include "tests/bench/load/payload.h"

namespace longwire::bench {
namespace {

constexpr double kSecondsMax = 600;
constexpr size_t kSessionsMax = 1'000'000;
// For the backend's connections, epoll and what the libraries open.
constexpr size_t kDescriptorsReserved = 64;

void AddModes(CLI::App& app, Options& options) {
  std::vector<std::string> names;
  std::string help = "What to measure.";
  for (const Mode& mode : kModes) {
    names.emplace_back(mode.name);
    help += std::string("\n") + mode.name + ": " + mode.help;
  }
  app.add_option("mode", options.mode, help)->required()->check(CLI::IsMember(names));
}

void AddServer(CLI::App& app, Options& options) {
  app.add_option("--ws", options.ws, "WebSocket address of the server");
  app.add_flag("--tls", options.tls, "the server's WebSocket port speaks TLS");
  CLI::Option_group* const kinds = app.add_option_group("kind", "What the server is");
  kinds->add_option("--grpc", options.grpc, "gRPC address of a longwire-gateway");
  kinds->add_option("--raw-control", options.raw_control,
                    "control address of a longwire-bench-raw or a ws_server.js");
  kinds->add_option("--nats", options.nats, "address for publishers of a nats-server");
  kinds->add_option("--nchan", options.nchan, "address for publishers of an nchan");
  kinds->require_option(0, 1);
  app.add_option("--server-pid", options.server_pid, "whose CPU and memory are read")
      ->required()
      ->check(CLI::PositiveNumber);
}

void AddLoad(CLI::App& app, Options& options) {
  const CLI::Range payload(kPayloadBytesMin, size_t{1024 * 1024});
  app.add_option("--sessions", options.sessions, "WebSocket clients, but for idle")
      ->check(CLI::Range(size_t{1}, kSessionsMax));
  app.add_option("--steps", options.steps, "idle: sessions at each reading, growing")
      ->delimiter(',')
      ->check(CLI::Range(size_t{1}, kSessionsMax));
  app.add_option("--payload", options.payload_bytes, "bytes in a message")->check(payload);
  app.add_option("--batch", options.batch, "push: routes in a message of the backend's")
      ->check(CLI::Range(1, 4096));
  app.add_flag("--unary", options.unary, "push over gRPC: each push is a call of Route");
  app.add_option("--rate", options.rate,
                 "push, echo: messages a second, 0 = as fast as --outstanding or --in-flight lets "
                 "it; churn: pushes a second")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--outstanding", options.outstanding,
                 "push, events: sent and not yet received, at most")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--in-flight", options.in_flight,
                 "echo: of each session at most; events: what a session sends in one go; "
                 "broadcast: messages at most")
      ->check(CLI::Range(1, 1024));
  app.add_option("--churn-rate", options.churn_rate,
                 "churn: sessions that end, and begin anew, a second")
      ->check(CLI::Range(0, 100'000));
  app.add_option("--message-rate", options.message_rate, "churn: messages of clients a second")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--fill-messages", options.fill_messages,
                 "idle: messages that the clients send before the first reading, to bring an event "
                 "log to its bound")
      ->check(CLI::Range(0, 10'000'000));
}

void AddTimeAndOutput(CLI::App& app, Options& options) {
  const CLI::Range seconds(0.0, kSecondsMax);
  app.add_option("--warmup", options.warmup_seconds, "seconds before the measurement")
      ->check(seconds);
  app.add_option("--seconds", options.seconds, "seconds of measurement")
      ->check(CLI::Range(0.1, kSecondsMax));
  app.add_option("--settle", options.settle_seconds, "idle: seconds before each reading")
      ->check(seconds);
  app.add_option("--open-seconds-max", options.open_seconds_max,
                 "seconds in which all clients have to be connected")
      ->check(seconds);
  app.add_option("--label", options.label, "names the server in the report");
  app.add_option("--json", options.json, "write the report to this file as JSON; - = to stdout");
}

// A file limit is the hard bound of a process: what does not fit is capped, and said.
void CapSessions(Options& options) {
  const size_t limit = RaiseFileLimit();
  const size_t sessions_max = limit - std::min(limit, kDescriptorsReserved);
  const auto cap = [&](size_t& sessions) {
    if (sessions <= sessions_max) return;
    std::fprintf(stderr, "longwire-bench: %zu sessions capped at %zu: ulimit -n is %zu\n", sessions,
                 sessions_max, limit);
    sessions = sessions_max;
  };
  cap(options.sessions);
  for (size_t& step : options.steps) cap(step);
  if (!std::is_sorted(options.steps.begin(), options.steps.end())) Die("--steps must grow");
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("One load generator for longwire-gateway and for what it is compared with.");
  app.option_defaults()->always_capture_default();
  AddModes(app, options);
  AddServer(app, options);
  AddLoad(app, options);
  AddTimeAndOutput(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (options.label.empty()) options.label = options.grpc.empty() ? "raw" : "longwire";
  if (options.unary) options.batch = 1;
  if (options.unary && options.grpc.empty()) Die("--unary needs --grpc");
  CapSessions(options);
  if (options.batch > options.outstanding) Die("--batch must not exceed --outstanding");
  // Or the end of a run would have to wait for a message that is due much later.
  if (options.mode == "push" && options.rate != 0 && options.rate < options.batch)
    Die("--rate must be at least --batch");
  return options;
}

}  // namespace longwire::bench
