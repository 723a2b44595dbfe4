#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/tcp_socket.h"

namespace longwire::test {

// RFC 6455 1.3's own example, so that the accept value needs no SHA-1 here.
inline constexpr std::string_view kHandshakeKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kHandshakeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// An HTTP/1.1 request that a test bends as it needs. Nothing is checked: bad bytes go out as they
// are given.
class HttpRequest {
 public:
  // GET with only a Host.
  static HttpRequest Get(std::string target);
  // A faultless WebSocket handshake.
  static HttpRequest Upgrade(std::string target = "/");

  HttpRequest&& Method(std::string method) &&;
  HttpRequest&& Version(std::string version) &&;                   // "HTTP/1.0"
  HttpRequest&& Set(std::string_view name, std::string value) &&;  // In place of all of that name.
  HttpRequest&& Add(std::string name, std::string value) &&;       // Besides those of that name.
  HttpRequest&& Remove(std::string_view name) &&;
  HttpRequest&& Body(std::string body) &&;  // The bytes alone, without a Content-Length.

  std::string ToString() const;

 private:
  std::string method_ = "GET";
  std::string target_;
  std::string version_ = "HTTP/1.1";
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
};

struct HttpAnswer {
  int status = 0;       // 0 = there was no answer.
  std::string problem;  // Why there was none, or what is wrong with it.
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
  std::string body;

  // The first header of that (lower-case) name; empty when there is none.
  std::string Header(std::string_view name) const;
  bool Has(std::string_view name) const;
};
void PrintTo(const HttpAnswer& answer, std::ostream* os);

// Reads one answer. What comes behind a 101 (or behind Content-Length) is left in `rest`.
HttpAnswer ReadHttpAnswer(TcpSocket& socket, std::string& rest, Millis patience = kPatience);

// One request on a connection of its own.
HttpAnswer Fetch(const std::string& address, const HttpRequest& request);
HttpAnswer FetchRaw(const std::string& address, std::string_view bytes);

MATCHER_P(HasStatus, status, "has the HTTP status " + ::testing::PrintToString(status)) {
  return arg.status == status;
}

}  // namespace longwire::test
