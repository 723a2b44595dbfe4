#pragma once

#include <optional>
#include <string_view>

#include "server/edge/http.h"

namespace longwire {

// With --demo: GET / without an upgrade shows client/web/index.html, which is built in. Nothing for
// anything else.
std::optional<HttpAnswer> AnswerDemo(const HttpRequest& request, std::string_view path);

}  // namespace longwire
