#include "server/base/clock.h"

#include <ctime>

namespace longwire {
namespace {

int64_t ReadMillis(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

class RealClock final : public Clock {
 public:
  int64_t SteadyMillis() const override { return ReadMillis(CLOCK_BOOTTIME); }
  int64_t WallMillis() const override { return ReadMillis(CLOCK_REALTIME); }
};

}  // namespace

const Clock& Clock::Real() {
  static const RealClock clock;
  return clock;
}

}  // namespace longwire
