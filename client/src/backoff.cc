#include "backoff.h"

#include <algorithm>

namespace longwire::client::internal {

using std::chrono::milliseconds;

Backoff::Backoff(milliseconds first, milliseconds longest, unsigned seed)
    : first_(std::max(first, milliseconds(1))),
      longest_(std::max(longest, first_)),
      step_(first_),
      random_(seed) {}

milliseconds Backoff::Next() {
  const auto most = step_.count();
  std::uniform_int_distribution<milliseconds::rep> pick(std::max<milliseconds::rep>(1, most / 2),
                                                        most);
  step_ = std::min(longest_, step_ * 2);
  return milliseconds(pick(random_));
}

}  // namespace longwire::client::internal
