#pragma once

#include <string>

#include "server/app/options.h"

namespace longwire {

// Sets up the process's log: to standard error, one line an entry, as text or as JSON objects.
void SetUpLog(const Options& options);

}  // namespace longwire
