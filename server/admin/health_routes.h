#pragma once

#include <optional>
#include <string_view>

#include "server/edge/http.h"

namespace longwire {

// GET /healthz: 200 while the process can answer at all (liveness: restart it when this fails).
// GET /readyz: 200 while new sessions are admitted, else 503 (readiness: send no clients here).
// HEAD likewise, and HTTP/1.0, which some load balancers probe with. Nothing for other paths.
std::optional<HttpAnswer> AnswerHealth(const HttpRequest& request, std::string_view path,
                                       bool is_admitting);

}  // namespace longwire
