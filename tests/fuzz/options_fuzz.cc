// Fuzzes the command line, and the parsers of the values that it has. An input is arguments, with a
// zero byte between them. --config is left out of them: it would read files.
#include "server/app/options.h"

#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/app/units.h"
#include "server/edge/address.h"
#include "tests/fuzz/fuzz_input.h"

// The build puts this in the place of getaddrinfo: no name is ever looked up.
extern "C" int __real_getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                                  addrinfo** found);
extern "C" int __wrap_getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                                  addrinfo** found) {
  addrinfo numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  return __real_getaddrinfo(host, service, &numeric, found);
}

namespace {

using longwire::CommandLineResult;
using longwire::FuzzInput;
using longwire::Options;
using longwire::ParseListenAddress;
using longwire::Require;

void RequireUnitsHold(const std::string& text) {
  if (const auto millis = longwire::ParseDuration(text); millis.ok()) {
    Require(*millis >= 0, "a duration is not negative");
    const auto again = longwire::ParseDuration(longwire::FormatDuration(*millis));
    Require(again.ok() && *again == *millis, "a duration is read as it is shown");
  }
  if (const auto bytes = longwire::ParseSize(text); bytes.ok()) {
    const auto again = longwire::ParseSize(longwire::FormatSize(*bytes));
    Require(again.ok() && *again == *bytes, "a size is read as it is shown");
  }
  if (const auto day = longwire::ParseDay(text); day.ok()) {
    Require(*day % (24 * 3'600'000) == 0, "a day begins at midnight");
    Require(text.size() == 10, "a day has one spelling");
  }
  if (const auto listen = ParseListenAddress(text); listen.ok()) {
    const auto again = ParseListenAddress(listen->numeric());
    Require(again.ok() && again->numeric() == listen->numeric(),
            "an address is read as it is shown");
    Require(again->is_loopback == listen->is_loopback, "and as near as it is");
  }
}

}  // namespace

// What the command line prints goes nowhere; what the fuzzer prints still does. Leaks are only
// looked for at the end: what the parser keeps would make the fuzzer look after most runs, at 13 a
// second.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static std::array<std::string, 2> flags = {"-close_fd_mask=3", "-detect_leaks=0"};
  static std::vector<char*> arguments(*argv, *argv + *argc);
  for (std::string& flag : flags) arguments.insert(arguments.begin() + 1, flag.data());
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  unsetenv("LONGWIRE_CONFIG");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  std::vector<std::string> arguments = {"longwire-gateway"};
  while (!input.rest().empty()) {
    const std::string argument(input.Until('\0'));
    RequireUnitsHold(argument);
    const size_t equals = argument.find('=');
    if (equals != std::string::npos) RequireUnitsHold(argument.substr(equals + 1));
    if (!argument.starts_with("--config")) arguments.push_back(argument);
  }
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const int argc = static_cast<int>(argv.size());

  Options options, again;
  const CommandLineResult result = longwire::ParseCommandLine(argc, argv.data(), options);
  Require(longwire::ParseCommandLine(argc, argv.data(), again) == result, "it is the same twice");
  if (result == CommandLineResult::kRun) {
    Require(longwire::ValidateOptions(options).ok(), "what runs is valid");
    Require(options.ws_listen == again.ws_listen && options.threads == again.threads &&
                options.ws_subprotocols == again.ws_subprotocols,
            "the same options come out");
  }
  return 0;
}
