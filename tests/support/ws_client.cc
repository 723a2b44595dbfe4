#include "tests/support/ws_client.h"

namespace longwire::test {
namespace {

// Both sides have sent their Close frames: nothing is left to wait for. Much less than the five
// seconds after which a client that does not answer is cut.
constexpr Millis kCloseAnswerWait{3'000};

}  // namespace

HttpAnswer WsClient::Open(const std::string& address, const HttpRequest& request,
                          const WsOpenOptions& options) {
  bytes_.clear();
  parser_ = {};
  has_sent_close_ = false;
  HttpAnswer answer;
  answer.problem = socket_.Connect(address, options.receive_buffer_bytes);
  if (!answer.problem.empty()) return answer;
  socket_.Send(options.before_request);
  if (!options.tls_authority.empty()) {
    answer.problem = socket_.StartTls(options.tls_authority);
    if (!answer.problem.empty()) return answer;
  }
  socket_.Send(request.ToString() + options.first_bytes);
  answer = ReadHttpAnswer(socket_, bytes_);
  if (answer.status == 101 && answer.Header("sec-websocket-accept") != kHandshakeAccept) {
    answer.problem = "wrong Sec-WebSocket-Accept";
  }
  return answer;
}

Received WsClient::Receive(Millis patience) {
  const Deadline deadline(patience);
  while (true) {
    if (auto item = parser_.Next(bytes_)) return *std::move(item);
    switch (socket_.Read(bytes_, Millis(deadline.RemainingMillis()))) {
      case ReadResult::kData:
        break;
      case ReadResult::kEof:
        if (!bytes_.empty()) return {Received::Kind::kBadFrame, "end of file inside a frame", 0};
        return Received::Eof();
      case ReadResult::kReset:
        return {Received::Kind::kReset, {}, 0};
      case ReadResult::kTimeout:
        return {Received::Kind::kTimeout, {}, 0};
    }
  }
}

Received WsClient::ReceiveMessage(Millis patience) {
  const Deadline deadline(patience);
  while (true) {
    Received item = Receive(Millis(deadline.RemainingMillis()));
    if (item.kind != Received::Kind::kPing && item.kind != Received::Kind::kPong) return item;
  }
}

Received WsClient::ReceiveEnd(Millis patience) {
  const Deadline deadline(patience);
  while (true) {
    Received item = Receive(Millis(deadline.RemainingMillis()));
    switch (item.kind) {
      case Received::Kind::kClose: {
        if (!has_sent_close_) SendClose(item.close_code == 1005 ? 0 : item.close_code);
        const Received after = Receive(kCloseAnswerWait);
        if (after == Received::Eof()) return item;
        return {Received::Kind::kBadFrame,
                "after the Close frame: " + ::testing::PrintToString(after), 0};
      }
      case Received::Kind::kEof:
      case Received::Kind::kReset:
      case Received::Kind::kTimeout:
      case Received::Kind::kBadFrame:
        return item;
      default:
        break;
    }
  }
}

}  // namespace longwire::test
