#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/core/session_id.h"

namespace longwire {

// Where a listing goes on: behind this session. The token is bound to the listing's filter by a
// checksum, which is the same on every node.
std::string FormatPageToken(SessionId last, std::string_view filter);

// Nothing unless the token is, byte for byte, what FormatPageToken makes for this filter.
std::optional<SessionId> ParsePageToken(std::string_view token, std::string_view filter);

}  // namespace longwire
