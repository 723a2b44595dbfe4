#pragma once

#include <algorithm>
#include <string_view>

#include "server/base/limits.h"

namespace longwire {

// Whether it can name a topic or a consumer group: 1 to 64 characters out of A-Z, a-z, 0-9, "_",
// "." and "-".
inline bool IsValidName(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace longwire
