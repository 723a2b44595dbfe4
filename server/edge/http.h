#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace longwire {

// A request as it came, checked for nothing but HTTP's own syntax.
struct HttpRequest {
  std::string method;
  std::string target;
  int version = 11;  // 10 or 11
  // Names as the client wrote them; repeats of one stand together, in the order they came.
  std::vector<std::pair<std::string, std::string>> headers;

  // The first header of that name (any case), or null.
  const std::string* Find(std::string_view name) const;
  size_t Count(std::string_view name) const;
  // Whether a comma-separated list header has this token (any case), in any of its repeats.
  bool HasToken(std::string_view name, std::string_view token) const;
};

// A whole answer, after which the connection ends.
struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
};

// The answer to HEAD has the length of the body, but not the body.
enum class HttpBody : bool { kLeaveOut, kSend };
std::string FormatHttpAnswer(const HttpAnswer& answer, HttpBody body = HttpBody::kSend);

// Reads one request's head from the bytes of a connection, as they come.
class HttpRequestReader {
 public:
  HttpRequestReader();
  ~HttpRequestReader();

  struct NeedMore {};
  // `bytes` is what came since the last call. An HttpAnswer is the refusal of a head that is not
  // HTTP/1 (400) or is too large (431). After a request, rest() is what came behind its head.
  using Result = std::variant<NeedMore, HttpRequest, HttpAnswer>;
  Result Read(std::string_view bytes);

  std::string TakeRest() { return std::move(buffer_); }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string buffer_;
};

}  // namespace longwire
