#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/bench/load/backend.h"
#include "tests/bench/load/client_pool.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"

// What every mode does in the same way.
namespace longwire::bench {

// The backend that the options name; null if they name none, which is the direct echo of a server
// without a backend.
std::unique_ptr<Backend> ConnectBackend(const Options& options);

// Serves the clients for so long, or until `done` says so. Returns whether it did.
bool PollFor(ClientPool& pool, double seconds, const std::function<bool()>& done = nullptr);

// Opens clients until there are `count`, and serves them until the backend, if there is one, was
// told of so many sessions. Dies if that takes too long: a server that loses an ENTER is not
// measured, it is broken.
void OpenSessions(ClientPool& pool, Backend* backend, size_t count, const Options& options);

// What every report begins with: what was measured, and with what load.
void AddSetting(Report& report, const Options& options);

// For clients whose messages say nothing that is measured.
class IgnoringHandler final : public ClientPool::Handler {
 public:
  void OnMessage(size_t, std::string_view, int64_t) override {}
};

// Checks that each client's messages come in the order of their numbers.
class OrderCheck {
 public:
  explicit OrderCheck(size_t clients) : last_(clients, 0) {}

  // Numbers begin with 1. A refused message leaves a hole, which is no fault.
  void Take(size_t client, uint32_t number) {
    if (number <= last_[client]) ++misordered_count_;
    last_[client] = number;
  }
  uint64_t misordered_count() const { return misordered_count_; }

 private:
  std::vector<uint32_t> last_;
  uint64_t misordered_count_ = 0;
};

// For clients that receive what WriteStamp has made: checks it, counts it, and takes its latency.
class StampReceiver : public ClientPool::Handler {
 public:
  // Without `is_ordered` the numbers are not looked at.
  StampReceiver(size_t clients, bool is_ordered) : order_(clients), is_ordered_(is_ordered) {}

  void OnMessage(size_t client, std::string_view payload, int64_t now_nanos) override;

  uint64_t misordered_count() const { return order_.misordered_count(); }

  bool recording = false;
  Histogram latency;
  uint64_t received_count = 0;

 private:
  OrderCheck order_;
  const bool is_ordered_;
};

// What was done, and used, at one moment. The difference of two is a measurement.
struct Reading {
  int64_t nanos = 0;
  uint64_t operations = 0;
  uint64_t reads = 0;
  double server_cpu_seconds = 0;
  double load_cpu_seconds = 0;
  double machine_cpu_seconds = 0;

  static Reading Now(const Options& options, const ClientPool& pool, uint64_t operations);
};

// Operations a second, server CPU of one (from /proc/PID/stat), and how busy both sides were: where
// the server is not near 100 % of its core, something else was the limit of the rate. What others
// used meanwhile is told, too: a figure that was taken beside a compiler is not worth much. And how
// many operations a read of a client's brought: what is sent together costs one system call.
void AddReadings(Report& report, const Reading& from, const Reading& to);

}  // namespace longwire::bench
