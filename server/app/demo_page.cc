#include "server/app/demo_page.h"

#include "demo_page_html.h"

namespace longwire {

std::optional<HttpAnswer> AnswerDemo(const HttpRequest& request, std::string_view path) {
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (!is_get || path != "/" || request.HasToken("Upgrade", "websocket")) return std::nullopt;
  return HttpAnswer{.body = kDemoPageHtml, .content_type = "text/html; charset=utf-8"};
}

}  // namespace longwire
