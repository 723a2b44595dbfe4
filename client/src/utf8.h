#pragma once

#include <string_view>

namespace longwire::client::internal {

// Whether the bytes are UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing beyond
// U+10FFFF. A proto string that is not makes the receiver refuse the whole message around it.
bool IsUtf8(std::string_view bytes);

}  // namespace longwire::client::internal
