#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/app/file_reloader.h"
#include "server/app/gateway.h"
#include "server/app/options.h"
#include "server/base/clock.h"

namespace longwire {

// Fills in the built-in providers that the options ask for where `providers` has none, and has
// their files watched. INVALID_ARGUMENT or NOT_FOUND names the flag and what is wrong.
absl::StatusOr<Providers> CompleteProviders(Providers providers, const Options& options,
                                            uint32_t loops, const Clock& clock,
                                            FileReloader& reloader);

}  // namespace longwire
