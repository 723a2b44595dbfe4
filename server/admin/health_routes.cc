#include "server/admin/health_routes.h"

namespace longwire {

std::optional<HttpAnswer> AnswerHealth(const HttpRequest& request, std::string_view path,
                                       bool is_admitting) {
  if (path != "/healthz" && path != "/readyz") return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") {
    return HttpAnswer{
        .status = 405, .body = "Only GET is answered here.\n", .headers = {{"Allow", "GET, HEAD"}}};
  }
  if (path == "/healthz") return HttpAnswer{.body = "ok\n"};
  if (is_admitting) return HttpAnswer{.body = "ready\n"};
  return HttpAnswer{.status = 503, .body = "draining: no new sessions\n"};
}

}  // namespace longwire
