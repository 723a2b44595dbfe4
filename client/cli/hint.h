// What to try when a call has failed.
#pragma once

#include <string_view>

#include "longwire/client.h"

namespace longwire::client::cli {

// A sentence for whoever called with these options, or nothing where the status says it all.
std::string_view HintFor(const ClientOptions& client, const Status& status);

}  // namespace longwire::client::cli
