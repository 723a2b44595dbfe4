#pragma once

#include <string_view>

#include "server/base/limits.h"

namespace longwire {

// Whether a topic or a consumer group may be called this: 1 to kNameBytesMax characters out of A-Z,
// a-z, 0-9, "_", "." and "-".
[[nodiscard]] bool IsValidName(std::string_view name);

// The same rule for people: "a topic has " or the like stands before it.
inline constexpr char kNameRule[] =
    "1 to 64 characters out of A-Z, a-z, 0-9, \"_\", \".\" and \"-\"";
static_assert(kNameBytesMax == 64);

}  // namespace longwire
