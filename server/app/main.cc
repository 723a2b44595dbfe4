#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>

#include "server/app/gateway.h"
#include "server/app/log.h"
#include "server/app/machine.h"
#include "server/app/options.h"

namespace {

// Waits for SIGTERM or SIGINT, and has files read again at SIGHUP; all are blocked in all threads.
// False when it is over without one.
bool WaitForEnd(const sigset_t& signals, longwire::Gateway& gateway,
                const std::atomic<bool>& is_over) {
  constexpr timespec kLook{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (!is_over.load()) {
    const int signal = sigtimedwait(&signals, nullptr, &kLook);
    if (signal == SIGHUP) {
      gateway.ReloadFiles();
    } else if (signal > 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  longwire::Options options;
  switch (longwire::ParseCommandLine(argc, argv, options)) {
    case longwire::CommandLineResult::kRun:
      break;
    case longwire::CommandLineResult::kExitOk:
      return 0;
    case longwire::CommandLineResult::kExitUsage:
      return 2;
  }
  longwire::SetUpLog(options);
  longwire::GiveBackLargeBlocks();
  longwire::StopSearchForLockCycles();

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto gateway = longwire::Gateway::Start(options, {});
  if (!gateway.ok()) {
    std::fprintf(stderr, "longwire-gateway: %s\n", std::string(gateway.status().message()).c_str());
    return 1;
  }
  const longwire::Endpoints& endpoints = (*gateway)->endpoints();
  std::printf("ws listening on %s\ngrpc listening on %s\n", endpoints.ws.c_str(),
              endpoints.grpc.c_str());
  if (!endpoints.admin.empty()) std::printf("admin listening on %s\n", endpoints.admin.c_str());
  std::fflush(stdout);

  spdlog::info("longwire-gateway {} is up", LONGWIRE_VERSION);

  std::atomic<bool> is_drained{false};
  WaitForEnd(signals, **gateway, is_drained);
  std::thread drain([&] {
    (*gateway)->Drain();
    is_drained.store(true);
  });
  // Whoever signals again does not want to wait for the pace of the drain.
  while (WaitForEnd(signals, **gateway, is_drained)) (*gateway)->HurryDrain();
  drain.join();
  gateway->reset();
  return 0;
}
