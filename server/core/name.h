#pragma once

#include <string_view>

namespace longwire {

// Whether a topic or a consumer group may be called this: 1 to kNameBytesMax characters out of A-Z,
// a-z, 0-9, "_", "." and "-".
[[nodiscard]] bool IsValidName(std::string_view name);

}  // namespace longwire
