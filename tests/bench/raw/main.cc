#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <string>

#include "tests/bench/common/net.h"
#include "tests/bench/raw/raw_server.h"

int main(int argc, char** argv) {
  std::string ws_listen = "127.0.0.1:0";
  std::string control_listen = "127.0.0.1:0";
  longwire::bench::RawServer::Options options;
  CLI::App app(
      "A WebSocket server on bare epoll: the yardstick that longwire is measured against.");
  app.option_defaults()->always_capture_default();
  app.add_option("--ws-listen", ws_listen, "address for WebSocket clients");
  app.add_option("--control-listen", control_listen, "address for the publisher");
  app.add_option("--control-read-bytes", options.control_read_bytes,
                 "read of the publisher's pushes a pass")
      ->check(CLI::Range(4096, 16 * 1024 * 1024));
  app.add_flag("!--no-echo", options.has_echo,
               "tell the publisher of what clients send, in place of sending it back");
  CLI11_PARSE(app, argc, argv);

  using namespace longwire::bench;
  RaiseFileLimit();
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  const UniqueFd stop(signalfd(-1, &ends, SFD_CLOEXEC));

  UniqueFd ws_listener = Listen(ws_listen, "ws");
  UniqueFd control_listener = Listen(control_listen, "control");
  RawServer(std::move(ws_listener), std::move(control_listener), options).Run(stop.get());
  return 0;
}
