#pragma once

#include <string>
#include <string_view>

namespace longwire {

// Undoes percent escapes (RFC 3986 2.1): %74oken is token. A '%' without two hexadecimal digits
// behind it stands for itself. The result may be any bytes.
std::string PercentDecode(std::string_view text);

}  // namespace longwire
