#include "server/edge/http.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>

#include "server/base/limits.h"

namespace longwire {
namespace http = boost::beast::http;

const std::string* HttpRequest::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (boost::beast::iequals(key, name)) return &value;
  }
  return nullptr;
}

size_t HttpRequest::Count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(headers.begin(), headers.end(), [&](const auto& header) {
    return boost::beast::iequals(header.first, name);
  }));
}

bool HttpRequest::HasToken(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : headers) {
    if (boost::beast::iequals(key, name) && http::token_list(value).exists(token)) return true;
  }
  return false;
}

std::string FormatHttpAnswer(const HttpAnswer& answer, HttpBody body) {
  const std::string_view reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out.append(reason).append("\r\n");
  for (const auto& [name, value] : answer.headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("Content-Type: ").append(answer.content_type).append("\r\nContent-Length: ");
  out.append(std::to_string(answer.body.size()));
  out.append("\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  if (body == HttpBody::kSend) out.append(answer.body);
  return out;
}

struct HttpRequestReader::Parser {
  Parser() {
    parser.header_limit(kRequestHeaderBytesMax);
    // A body is refused by the handshake, which knows what to say; here only its head is read.
    parser.body_limit(boost::none);
  }
  http::request_parser<http::empty_body> parser;
};

HttpRequestReader::HttpRequestReader() : parser_(std::make_unique<Parser>()) {}
HttpRequestReader::~HttpRequestReader() = default;

HttpRequestReader::Result HttpRequestReader::Read(std::string_view bytes) {
  auto& parser = parser_->parser;
  buffer_.append(bytes);
  boost::system::error_code error;
  const size_t used = parser.put(boost::asio::buffer(buffer_), error);
  buffer_.erase(0, used);
  if (error == http::error::need_more) {
    if (buffer_.size() <= kRequestHeaderBytesMax) return NeedMore{};
    error = http::error::header_limit;
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return HttpAnswer{.status = 431,
                      .body = "The request's head is larger than " +
                              std::to_string(kRequestHeaderBytesMax) + " bytes.\n"};
  }
  if (error) {
    return HttpAnswer{.status = 400,
                      .body = "This is not an HTTP/1.1 request: " + error.message() + ".\n"};
  }
  if (!parser.is_header_done()) return NeedMore{};
  const auto& message = parser.get();
  HttpRequest request{.method = std::string(message.method_string()),
                      .target = std::string(message.target()),
                      .version = static_cast<int>(message.version())};
  for (const auto& field : message) {
    request.headers.emplace_back(field.name_string(), field.value());
  }
  return request;
}

}  // namespace longwire
