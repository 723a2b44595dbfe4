#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace longwire::bench {

// What the load generator was asked to do. Every load is bounded in time and in number: the bounds
// are in options.cc, and 0 never means "no limit".
struct Options {
  std::string mode;

  // The server that is measured.
  std::string ws = "127.0.0.1:8080";
  bool tls = false;         // The clients speak TLS; whose certificate it is does not matter.
  std::string grpc;         // longwire: where the backend's half connects to.
  std::string raw_control;  // longwire-bench-raw, ws: likewise.
  std::string nats;         // nats-server: where the publisher connects to.
  std::string nchan;        // nchan: likewise.
  int server_pid = 0;       // Whose CPU and memory are read.

  // The load.
  size_t sessions = 1000;
  std::vector<size_t> steps = {1000, 10'000};  // idle: sessions at each reading.
  size_t payload_bytes = 64;
  size_t batch = 64;           // push: routes in a message.
  bool unary = false;          // push over gRPC: each is a call of its own.
  size_t rate = 0;             // push, echo: a second; 0 = as fast as the bounds below let it.
  size_t outstanding = 4096;   // push, events: sent and not yet received, at most.
  size_t in_flight = 1;        // echo, events: for each session; broadcast: messages.
  size_t churn_rate = 100;     // churn: sessions that end, and begin anew, a second.
  size_t message_rate = 1000;  // churn: messages of clients a second.
  size_t fill_messages =
      0;  // idle, over gRPC: sent by the clients of the first step before it is read.

  // The time it takes.
  double warmup_seconds = 1;
  double seconds = 3;
  double settle_seconds = 1;  // idle: before each reading.
  double open_seconds_max = 60;

  // The output.
  std::string label;  // Names the server in the report.
  std::string json;   // A file, or "-" for stdout instead of the table.
};

// Ends the process on a wrong option and on --help.
Options ParseOptions(int argc, char** argv);

}  // namespace longwire::bench
