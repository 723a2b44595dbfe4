// One WebSocket connection on the terminal. With websocket_tls.h and connect_command.cc, all of the
// client that knows Boost.Asio and Boost.Beast.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "client/cli/commands.h"
#include "client/cli/line_reader.h"
#include "client/cli/printable.h"
#include "client/cli/websocket_tls.h"
#include "client/src/utf8.h"

namespace longwire::client::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

inline constexpr std::chrono::seconds kConnectTimeout{10};
inline constexpr size_t kMessageBytesMax = size_t{64} << 20;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

// From the first byte to the close, over PlainStream or TlsStream. Everything but LineReader runs
// on the one thread that calls Run().
template <typename Stream>
class WebSocketTalk {
 public:
  // `tls` is there for a TlsStream and null for a PlainStream. Both must outlive this.
  WebSocketTalk(const ConnectOptions& options, WebSocketTls* tls)
      : options_(options), tls_(tls), signals_(io_, SIGINT, SIGTERM), deadline_(io_) {
    if constexpr (kIsTls) {
      ws_.emplace(io_, tls->context());
    } else {
      ws_.emplace(io_);
    }
  }

  int Run() {
    error_code error;
    asio::ip::tcp::resolver resolver(io_);
    const auto endpoints = resolver.resolve(options_.url.host, options_.url.port, error);
    if (error) return Unreachable(error);
    signals_.async_wait([this](error_code error, int) {
      if (!error) Close();
    });
    // For the connection and its TLS together.
    beast::get_lowest_layer(*ws_).expires_after(kConnectTimeout);
    beast::get_lowest_layer(*ws_).async_connect(
        endpoints, [this](error_code error, const asio::ip::tcp::endpoint&) {
          if (error) return Finish(Unreachable(error));
          is_connected_ = true;
          BeginTls();
        });
    io_.run();
    lines_.reset();
    return exit_code_;
  }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

  void BeginTls() {
    if constexpr (kIsTls) {
      tls_->NameHost(ws_->next_layer().native_handle());
      ws_->next_layer().async_handshake(asio::ssl::stream_base::client, [this](error_code error) {
        if (closing_) return Finish(0);
        // A time-out is told like that of any connection.
        if (error == beast::error::timeout) return Finish(Unreachable(error));
        if (error) return Finish(NotSecured(error));
        ShakeHands();
      });
    } else {
      ShakeHands();
    }
  }

  void ShakeHands() {
    beast::get_lowest_layer(*ws_).expires_never();
    auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::client);
    timeout.handshake_timeout = kConnectTimeout;
    ws_->set_option(timeout);
    ws_->read_message_max(kMessageBytesMax);
    ws_->control_callback([this](websocket::frame_type type, beast::string_view) {
      if (type == websocket::frame_type::close) close_came_ = true;
    });
    ws_->set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      for (const auto& [name, value] : options_.headers) request.set(name, value);
      if (!options_.user_token.empty()) {
        request.set(beast::http::field::authorization, "Bearer " + options_.user_token);
      }
      std::string offered;
      for (const std::string& name : options_.subprotocols) {
        offered += (offered.empty() ? "" : ", ") + name;
      }
      if (!offered.empty()) request.set(beast::http::field::sec_websocket_protocol, offered);
    }));
    ws_->async_handshake(response_, options_.url.authority, options_.url.target,
                         [this](error_code error) { OnHandshake(error); });
  }

  void OnHandshake(error_code error) {
    if (closing_) return Finish(0);
    if (error == websocket::error::upgrade_declined) {
      std::fprintf(stderr, "longwire: refused: HTTP %u %s\n", response_.result_int(),
                   Printable(std::string(response_.reason())).c_str());
      if (!response_.body().empty()) {
        std::fprintf(stderr, "longwire: %s\n", Printable(response_.body()).c_str());
      }
      if (response_.result() == beast::http::status::unauthorized) {
        std::fprintf(stderr, "longwire: it wants %s token of a user: see --user-token-file\n",
                     options_.user_token.empty() ? "the" : "another");
      }
      return Finish(1);
    }
    if (error) return Finish(Unreachable(error));
    const auto subprotocol = response_[beast::http::field::sec_websocket_protocol];
    std::fprintf(stderr, "longwire: connected%s%s\n", subprotocol.empty() ? "" : ", subprotocol ",
                 Printable(std::string(subprotocol)).c_str());
    if (options_.duration) {
      deadline_.expires_after(*options_.duration);
      deadline_.async_wait([this](error_code error) {
        if (!error) Close();
      });
    }
    for (const std::string& text : options_.sends) outgoing_.push_back({text, false});
    lines_ = std::make_unique<LineReader>(
        [this](std::string line) {
          asio::post(io_, [this, line = std::move(line)]() mutable { OnLine(std::move(line)); });
        },
        [this] { asio::post(io_, [this] { OnLinesEnd(); }); });
    WriteNext();
    ReadNext();
  }

  void OnLine(std::string line) {
    outgoing_.push_back({std::move(line), true});
    if (outgoing_.size() == 1) WriteNext();
  }

  // A person's Ctrl-D ends the talk. The end of a file or a pipe does not: there are answers to
  // wait for.
  void OnLinesEnd() {
    close_when_written_ = isatty(STDIN_FILENO) == 1;
    if (close_when_written_ && outgoing_.empty()) Close();
  }

  void WriteNext() {
    if (closing_) return;
    while (!outgoing_.empty() && !internal::IsUtf8(outgoing_.front().text)) {
      std::fprintf(stderr, "longwire: not sent, a text message must be UTF-8: %s\n",
                   Printable(outgoing_.front().text).c_str());
      PopWritten();
    }
    if (outgoing_.empty()) {
      if (close_when_written_) Close();
      return;
    }
    ws_->text(true);
    ws_->async_write(asio::buffer(outgoing_.front().text), [this](error_code error, size_t) {
      // The read under way tells of the same end, and knows more of it.
      if (error) return;
      PopWritten();
      WriteNext();
    });
  }

  void PopWritten() {
    const bool is_line = outgoing_.front().is_line;
    outgoing_.pop_front();
    if (is_line) lines_->Written();
  }

  void ReadNext() {
    ws_->async_read(incoming_, [this](error_code error, size_t) {
      if (error) return OnEnd(error);
      PrintMessage();
      incoming_.clear();
      if (++received_ == options_.count) Close();
      ReadNext();
    });
  }

  void PrintMessage() {
    if (options_.count > 0 && received_ >= options_.count) return;
    const std::string body = beast::buffers_to_string(incoming_.data());
    const std::string line = !ws_->got_text()             ? "binary: " + Hex(body)
                             : isatty(STDOUT_FILENO) == 1 ? Printable(body)
                                                          : body;
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }

  // Asks for the end; OnEnd follows when the peer has answered, or the timeout when it does not.
  void Close() {
    if (closing_) return;
    closing_ = true;
    if (!ws_->is_open()) {
      beast::get_lowest_layer(*ws_).cancel();
      return;
    }
    ws_->async_close(websocket::close_code::normal, [this](error_code error) {
      if (!error || IsEndBehindClose(error)) return Finish(PrintClose());
      std::fprintf(stderr, "longwire: closed, without an answer to our close frame\n");
      Finish(0);
    });
  }

  void OnEnd(error_code error) {
    if (error == websocket::error::closed || (!closing_ && IsEndBehindClose(error))) {
      return Finish(PrintClose());
    }
    // Our own close ends the read as well; its handler knows how it went.
    if (closing_) return;
    std::fprintf(stderr, "longwire: connection lost without a close frame (1006): %s\n",
                 error.message().c_str());
    Finish(1);
  }

  // Many end TLS without a word once the close frame has come: nothing was cut off then.
  bool IsEndBehindClose(error_code error) const {
    const bool has_come = close_came_ || ws_->reason().code != websocket::close_code::none;
    return error == asio::ssl::error::stream_truncated && has_come;
  }

  // Says how the peer closed. Returns the exit code that this deserves.
  int PrintClose() {
    const auto& reason = ws_->reason();
    const unsigned code = reason.code == websocket::close_code::none ? 1005 : reason.code;
    std::string line = closing_ ? "closed: " : "closed by the gateway: ";
    line += std::to_string(code);
    if (const auto meaning = CloseCodeMeaning(code); !meaning.empty()) {
      line.append(" (").append(meaning).append(")");
    }
    if (!reason.reason.empty()) {
      const std::string_view text(reason.reason.data(), reason.reason.size());
      line.append(" \"").append(Printable(text)).append("\"");
    }
    std::fprintf(stderr, "longwire: %s\n", line.c_str());
    const bool count_missed = options_.count > 0 && received_ < options_.count;
    return closing_ || (code == websocket::close_code::normal && !count_missed) ? 0 : 1;
  }

  int Unreachable(error_code error) {
    const bool perhaps_tls = !kIsTls && is_connected_;
    return CannotConnect(error.message(),
                         perhaps_tls ? "does it speak TLS there? Then the URL begins with wss://"
                                     : "is longwire-gateway running, and is this its --ws-listen "
                                       "address?");
  }

  int NotSecured(error_code error) {
    const WebSocketTls::Failure failure = tls_->WhyFailed(error);
    return CannotConnect(failure.why, failure.hint);
  }

  int CannotConnect(const std::string& why, const std::string& hint) {
    if (closing_) return 0;
    std::fprintf(stderr, "longwire: cannot connect to %s://%s%s: %s\n", kIsTls ? "wss" : "ws",
                 Printable(options_.url.authority).c_str(), Printable(options_.url.target).c_str(),
                 why.c_str());
    if (!hint.empty()) std::fprintf(stderr, "longwire: %s\n", hint.c_str());
    return 1;
  }

  void Finish(int exit_code) {
    exit_code_ = exit_code;
    io_.stop();
  }

  struct Outgoing {
    std::string text;
    bool is_line;
  };

  const ConnectOptions& options_;
  WebSocketTls* const tls_;
  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer deadline_;
  // Set from the constructor on.
  std::optional<websocket::stream<Stream>> ws_;
  websocket::response_type response_;
  beast::flat_buffer incoming_;
  // The front one is being written.
  std::deque<Outgoing> outgoing_;
  std::unique_ptr<LineReader> lines_;
  uint64_t received_ = 0;
  bool is_connected_ = false;
  bool close_came_ = false;
  bool closing_ = false;
  bool close_when_written_ = false;
  int exit_code_ = 1;
};

}  // namespace longwire::client::cli
