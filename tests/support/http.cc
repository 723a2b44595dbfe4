#include "tests/support/http.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace longwire::test {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

const char* ProblemOf(ReadResult result) {
  switch (result) {
    case ReadResult::kData:
      return "";
    case ReadResult::kEof:
      return "end of file";
    case ReadResult::kReset:
      return "connection reset";
    case ReadResult::kTimeout:
      return "no answer in time";
  }
  return "";
}

// Fills status and headers from `head`, which ends before the empty line.
void ParseHead(std::string_view head, HttpAnswer& answer) {
  size_t line_end = std::min(head.find("\r\n"), head.size());
  const std::string_view status_line = head.substr(0, line_end);
  if (!status_line.starts_with("HTTP/1.1 ") || status_line.size() < 12) {
    answer.problem = "bad status line: " + std::string(status_line);
    return;
  }
  answer.status = std::atoi(std::string(status_line.substr(9, 3)).c_str());
  while (line_end < head.size()) {
    const size_t begin = line_end + 2;
    line_end = std::min(head.find("\r\n", begin), head.size());
    const std::string_view line = head.substr(begin, line_end - begin);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      answer.problem = "bad header: " + std::string(line);
      return;
    }
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    answer.headers.emplace_back(Lower(line.substr(0, colon)), value);
  }
}

}  // namespace

HttpRequest HttpRequest::Get(std::string target) {
  HttpRequest request;
  request.target_ = std::move(target);
  return std::move(request).Set("Host", "gateway.test");
}

HttpRequest HttpRequest::Upgrade(std::string target) {
  return Get(std::move(target))
      .Set("Upgrade", "websocket")
      .Set("Connection", "Upgrade")
      .Set("Sec-WebSocket-Key", std::string(kHandshakeKey))
      .Set("Sec-WebSocket-Version", "13");
}

HttpRequest&& HttpRequest::Method(std::string method) && {
  method_ = std::move(method);
  return std::move(*this);
}

HttpRequest&& HttpRequest::Version(std::string version) && {
  version_ = std::move(version);
  return std::move(*this);
}

HttpRequest&& HttpRequest::Set(std::string_view name, std::string value) && {
  return std::move(*this).Remove(name).Add(std::string(name), std::move(value));
}

HttpRequest&& HttpRequest::Add(std::string name, std::string value) && {
  headers_.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

HttpRequest&& HttpRequest::Remove(std::string_view name) && {
  std::erase_if(headers_, [&](const auto& header) { return Lower(header.first) == Lower(name); });
  return std::move(*this);
}

HttpRequest&& HttpRequest::Body(std::string body) && {
  body_ = std::move(body);
  return std::move(*this);
}

std::string HttpRequest::ToString() const {
  std::string text = method_ + " " + target_ + " " + version_ + "\r\n";
  for (const auto& [name, value] : headers_) text += name + ": " + value + "\r\n";
  return text + "\r\n" + body_;
}

std::string HttpAnswer::Header(std::string_view name) const {
  for (const auto& [its_name, value] : headers) {
    if (its_name == name) return value;
  }
  return {};
}

bool HttpAnswer::Has(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

void PrintTo(const HttpAnswer& answer, std::ostream* os) {
  *os << "HTTP " << answer.status;
  if (!answer.problem.empty()) *os << " (" << answer.problem << ")";
  for (const auto& [name, value] : answer.headers) *os << "; " << name << ": " << value;
  if (!answer.body.empty()) *os << "; body: " << answer.body;
}

HttpAnswer ReadHttpAnswer(TcpSocket& socket, std::string& rest, Millis patience) {
  HttpAnswer answer;
  const Deadline deadline(patience);
  size_t head_end;
  while ((head_end = rest.find("\r\n\r\n")) == std::string::npos) {
    const ReadResult result = socket.Read(rest, Millis(deadline.RemainingMillis()));
    if (result != ReadResult::kData) {
      answer.problem = ProblemOf(result);
      return answer;
    }
  }
  ParseHead(std::string_view(rest).substr(0, head_end), answer);
  rest.erase(0, head_end + 4);
  if (answer.status == 101 || !answer.problem.empty()) return answer;

  const bool has_length = answer.Has("content-length");
  const size_t length = std::strtoul(answer.Header("content-length").c_str(), nullptr, 10);
  while (!has_length || rest.size() < length) {
    const ReadResult result = socket.Read(rest, Millis(deadline.RemainingMillis()));
    if (result == ReadResult::kEof && !has_length) break;
    if (result != ReadResult::kData) {
      answer.problem = std::string("in the body: ") + ProblemOf(result);
      break;
    }
  }
  answer.body = rest.substr(0, has_length ? length : rest.size());
  rest.erase(0, answer.body.size());
  return answer;
}

HttpAnswer Fetch(const std::string& address, const HttpRequest& request) {
  return FetchRaw(address, request.ToString());
}

HttpAnswer FetchRaw(const std::string& address, std::string_view bytes) {
  TcpSocket socket;
  HttpAnswer answer;
  answer.problem = socket.Connect(address);
  if (!answer.problem.empty()) return answer;
  // The gateway may answer, and cut, before it has taken all: what counts is the answer.
  socket.Send(bytes);
  std::string rest;
  return ReadHttpAnswer(socket, rest);
}

}  // namespace longwire::test
