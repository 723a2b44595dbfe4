#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/bench/common/net.h"
#include "tests/bench/load/modes.h"

namespace longwire::bench {
namespace {

void Write(const Report& report, const Options& options) {
  if (options.json == "-") {
    std::fputs(report.ToJson().c_str(), stdout);
    return;
  }
  std::fputs(report.ToTable().c_str(), stdout);
  if (options.json.empty()) return;
  std::FILE* const file = std::fopen(options.json.c_str(), "w");
  if (file == nullptr) Die("cannot write " + options.json, true);
  std::fputs(report.ToJson().c_str(), file);
  if (std::fclose(file) != 0) Die("cannot write " + options.json, true);
}

}  // namespace
}  // namespace longwire::bench

int main(int argc, char** argv) {
  using longwire::bench::kModes;
  const longwire::bench::Options options = longwire::bench::ParseOptions(argc, argv);
  for (const longwire::bench::Mode& mode : kModes) {
    if (options.mode == mode.name) longwire::bench::Write(mode.run(options), options);
  }
  return EXIT_SUCCESS;
}
