// Fuzzes the way from a connection's first bytes to the ENTER event.
//
// An input is: where the bytes are cut in two (one byte); which rules hold (one byte); and the
// client's bytes.
#include "server/edge/handshake.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "server/base/limits.h"
#include "server/base/utf8.h"
#include "server/edge/forwarded.h"
#include "server/edge/http.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::AddressRange;
using longwire::FuzzInput;
using longwire::HandshakeRules;
using longwire::HttpAnswer;
using longwire::HttpRequest;
using longwire::HttpRequestReader;
using longwire::IsValidUtf8;
using longwire::RemoteAddress;
using longwire::Require;
using longwire::Upgrade;
using longwire::UpgradeRefused;
namespace v1 = longwire::v1;

const HandshakeRules kRules[] = {
    {}, {.ws_path = "/ws"}, {.ws_path = "/ws/", .subprotocols = {"chat.v1", "chat.v2"}}};

HttpRequestReader::Result ReadInTwo(std::string_view bytes, size_t cut) {
  HttpRequestReader reader;
  auto result = reader.Read(bytes.substr(0, cut));
  if (cut < bytes.size() && std::holds_alternative<HttpRequestReader::NeedMore>(result)) {
    result = reader.Read(bytes.substr(cut));
  }
  return result;
}

bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F';
  });
}

// Each line of the head is plain and ends with CRLF, the body is as long as it says.
void RequireWellFormed(const HttpAnswer& answer) {
  const std::string text = FormatHttpAnswer(answer);
  const size_t head_end = text.find("\r\n\r\n");
  Require(head_end != std::string::npos, "an answer's head has an end");
  Require(text.starts_with("HTTP/1.1 " + std::to_string(answer.status) + " "), "it has a status");
  std::string_view head = std::string_view(text).substr(0, head_end + 2);
  bool is_first = true, has_length = false;
  const std::string length = "Content-Length: " + std::to_string(answer.body.size());
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    Require(IsPlain(line), "a line of a head is plain");
    Require(is_first || line.find(": ") != std::string_view::npos, "a header has a name");
    has_length |= line == length;
    is_first = false;
  }
  const std::string_view body = std::string_view(text).substr(head_end + 4);
  Require(answer.status == 101 ? body.empty() : has_length && body == answer.body,
          "the body is as long as it says");
  Require(answer.status == 101 || (IsValidUtf8(body) && body.ends_with('\n')), "the body is text");
}

void RequireUtf8(const v1::Enter& enter) {
  Require(IsValidUtf8(enter.path()), "the path is UTF-8");
  Require(IsValidUtf8(enter.query()), "the query is UTF-8");
  Require(IsValidUtf8(enter.subprotocol()), "the subprotocol is UTF-8");
  for (const auto& [name, value] : enter.headers()) {
    Require(IsValidUtf8(name) && IsValidUtf8(value), "the headers are UTF-8");
    Require(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
            "a header's name is in lower case");
  }
}

int DigitOf(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const size_t digit = kDigits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
  return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
}

std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && DigitOf(text[i + 1]) >= 0 &&
                           DigitOf(text[i + 2]) >= 0;
    plain.push_back(is_escape ? static_cast<char>(DigitOf(text[i + 1]) * 16 + DigitOf(text[i + 2]))
                              : text[i]);
    i += is_escape ? 2 : 0;
  }
  return plain;
}

void RequireWithoutSecrets(const v1::Enter& enter) {
  for (const auto& [name, value] : enter.headers()) {
    Require(name != "authorization" && name != "cookie" && name != "proxy-authorization" &&
                !name.starts_with("sec-websocket-"),
            "a header that may be a secret is hidden");
  }
  FuzzInput query(reinterpret_cast<const uint8_t*>(enter.query().data()), enter.query().size());
  while (!query.rest().empty()) {
    const std::string_view pair = query.Until('&');
    Require(Unescaped(pair.substr(0, pair.find('='))) != "token", "the token is cut out");
  }
}

void RequireClientIsKnown(const HttpRequest& request) {
  const RemoteAddress peer = *RemoteAddress::Parse("10.0.0.1:5");
  static const AddressRange kTrusted[] = {*AddressRange::Parse("10.0.0.0/8")};
  const auto client = longwire::ClientAddress(peer, request, kTrusted);
  if (const auto* refused = std::get_if<longwire::ForwardedRefused>(&client)) {
    Require(request.Find("Forwarded") && request.Find("X-Forwarded-For"), "two headers disagree");
    Require(IsPlain(refused->text), "a refusal quotes nothing");
  }
  Require(std::get<RemoteAddress>(longwire::ClientAddress(peer, request, {})) == peer,
          "a peer that is not trusted is the client");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const size_t cut_byte = input.Byte();
  const HandshakeRules& rules = kRules[input.Byte() % std::size(kRules)];
  // On the heap, so that ASan sees a byte that is read behind them.
  const auto copy = std::make_unique<char[]>(input.rest().size());
  std::copy(input.rest().begin(), input.rest().end(), copy.get());
  const std::string_view bytes(copy.get(), input.rest().size());

  const auto read = ReadInTwo(bytes, bytes.size());
  const auto again = ReadInTwo(bytes, std::min(cut_byte * bytes.size() / 255, bytes.size()));
  const auto* other = std::get_if<HttpRequest>(&again);
  Require(std::holds_alternative<HttpRequest>(read) == (other != nullptr),
          "pieces are a request if the whole is");
  if (const auto* answer = std::get_if<HttpAnswer>(&read)) {
    RequireWellFormed(*answer);
    return 0;
  }
  if (std::holds_alternative<HttpRequestReader::NeedMore>(read)) {
    Require(bytes.size() <= longwire::kRequestHeaderBytesMax, "a head is bounded");
    return 0;
  }
  const HttpRequest& request = std::get<HttpRequest>(read);
  Require(other->target == request.target && other->headers == request.headers,
          "pieces read the same");
  RequireClientIsKnown(request);
  const auto checked = longwire::CheckUpgrade(request, rules);
  if (const auto* refused = std::get_if<UpgradeRefused>(&checked)) {
    RequireWellFormed(refused->answer);
    return 0;
  }
  const Upgrade& upgrade = std::get<Upgrade>(checked);
  Require(upgrade.accept.size() == 28, "the answer to the key is the base64 of 20 bytes");
  const std::string switching = FormatSwitchingProtocols(upgrade);
  Require(switching.starts_with("HTTP/1.1 101 ") && switching.ends_with("\r\n\r\n") &&
              switching.find("\r\n\r\n") == switching.size() - 4,
          "the connection is switched");
  RequireUtf8(upgrade.handshake);
  const v1::Enter shown = longwire::WithoutSecrets(upgrade.handshake);
  RequireUtf8(shown);
  RequireWithoutSecrets(shown);
  return 0;
}
