#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "longwire/v1/types.pb.h"
#include "server/auth/jwt.h"
#include "server/core/message.h"

namespace longwire {

// Finds the token that a client shows. Any bytes; what is found is not verified. A client that
// shows none is refused with TOKEN_MISSING. One that shows two different ones, or shows it in a way
// that others may read differently, is refused with TOKEN_MALFORMED, so that no proxy on the way
// judges another token than we do.

// In the handshake: from "Authorization: Bearer TOKEN" (RFC 6750 2.1), else from the query's
// `token` with its percent escapes undone, else from the cookie of that name (RFC 6265 4.2), if
// `cookie` is not empty. An Authorization of another scheme, and an empty `token` or cookie, count
// as none.
std::variant<std::string, JwtRefused> FindToken(const v1::Enter& handshake,
                                                std::string_view cookie);

// In a message: the text, or with `is_command` the body of the command `auth`. Blanks and line ends
// around the token are not part of it. The token is in `message`.
std::variant<std::string_view, JwtRefused> FindToken(MessageView message, bool is_command);

// Whether a message shows a token: a text, or with `is_command` the command `auth`.
bool ShowsToken(MessageView message, bool is_command);

}  // namespace longwire
