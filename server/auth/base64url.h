#pragma once

#include <optional>
#include <string_view>

#include "server/auth/secret_bytes.h"

namespace longwire {

// Undoes base64url as JOSE has it (RFC 7515 2): without padding, blanks or line ends. Strict, so
// that no two texts stand for the same bytes: nothing for a character outside of the alphabet, for
// a length that no bytes have, and for bits behind the last byte that are not 0.
std::optional<SecretBytes> DecodeBase64Url(std::string_view text);

}  // namespace longwire
