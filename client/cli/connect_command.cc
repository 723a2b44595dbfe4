// A WebSocket client on the terminal. The only file of the client that knows Boost.Beast.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>

#include "client/cli/commands.h"
#include "client/cli/printable.h"
#include "client/src/utf8.h"

namespace longwire::client::cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

constexpr std::chrono::seconds kConnectTimeout{10};
constexpr size_t kMessageBytesMax = size_t{64} << 20;
constexpr size_t kLineBytesMax = size_t{16} << 20;
// Lines read ahead of the socket: past it, stdin waits.
constexpr std::ptrdiff_t kLinesAheadMax = 64;

// Reads stdin line by line on a thread of its own, since Asio cannot watch a regular file.
class LineReader {
 public:
  // Both are called on the reader's thread; `on_line` blocks it while too much is ahead.
  LineReader(std::function<void(std::string)> on_line, std::function<void()> on_end)
      : on_line_(std::move(on_line)), on_end_(std::move(on_end)), thread_([this] { Run(); }) {}
  ~LineReader() {
    eventfd_write(stop_fd_, 1);
    stopping_ = true;
    ahead_.release();
    thread_.join();
    close(stop_fd_);
  }

  // A line handed out has been written to the socket. From any thread.
  void Written() { ahead_.release(); }

 private:
  void Run() {
    std::string pending;
    char chunk[16384];
    while (true) {
      pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      const ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
      if (got <= 0) break;
      pending.append(chunk, got);
      size_t begin = 0;
      for (size_t end; (end = pending.find('\n', begin)) != pending.npos; begin = end + 1) {
        if (!HandOut(pending.substr(begin, end - begin))) return;
      }
      pending.erase(0, begin);
      if (pending.size() > kLineBytesMax) break;
    }
    if (!pending.empty() && !HandOut(std::move(pending))) return;
    on_end_();
  }

  bool HandOut(std::string line) {
    ahead_.acquire();
    if (stopping_) return false;
    if (line.ends_with('\r')) line.pop_back();
    on_line_(std::move(line));
    return true;
  }

  // Constant after construction.
  const std::function<void(std::string)> on_line_;
  const std::function<void()> on_end_;
  const int stop_fd_ = eventfd(0, EFD_CLOEXEC);

  std::atomic<bool> stopping_{false};
  std::counting_semaphore<> ahead_{kLinesAheadMax};
  std::thread thread_;
};

// One connection from handshake to close. Everything but LineReader runs on the one thread that
// calls Run().
class Connection {
 public:
  explicit Connection(const ConnectOptions& options)
      : options_(options), signals_(io_, SIGINT, SIGTERM), deadline_(io_), ws_(io_) {}

  int Run() {
    error_code error;
    asio::ip::tcp::resolver resolver(io_);
    const auto endpoints = resolver.resolve(options_.url.host, options_.url.port, error);
    if (error) return Unreachable(error);
    signals_.async_wait([this](error_code error, int) {
      if (!error) Close();
    });
    beast::get_lowest_layer(ws_).expires_after(kConnectTimeout);
    beast::get_lowest_layer(ws_).async_connect(
        endpoints, [this](error_code error, const asio::ip::tcp::endpoint&) {
          if (error) return Finish(Unreachable(error));
          ShakeHands();
        });
    io_.run();
    lines_.reset();
    return exit_code_;
  }

 private:
  void ShakeHands() {
    beast::get_lowest_layer(ws_).expires_never();
    auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::client);
    timeout.handshake_timeout = kConnectTimeout;
    ws_.set_option(timeout);
    ws_.read_message_max(kMessageBytesMax);
    ws_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      for (const auto& [name, value] : options_.headers) request.set(name, value);
      std::string offered;
      for (const std::string& name : options_.subprotocols) {
        offered += (offered.empty() ? "" : ", ") + name;
      }
      if (!offered.empty()) request.set(beast::http::field::sec_websocket_protocol, offered);
    }));
    ws_.async_handshake(response_, options_.url.authority, options_.url.target,
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
    ws_.text(true);
    ws_.async_write(asio::buffer(outgoing_.front().text), [this](error_code error, size_t) {
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
    ws_.async_read(incoming_, [this](error_code error, size_t) {
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
    const std::string line = !ws_.got_text()              ? "binary: " + Hex(body)
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
    if (!ws_.is_open()) {
      beast::get_lowest_layer(ws_).cancel();
      return;
    }
    ws_.async_close(websocket::close_code::normal, [this](error_code error) {
      if (error) std::fprintf(stderr, "longwire: closed, without an answer to our close frame\n");
      Finish(error ? 0 : PrintClose());
    });
  }

  void OnEnd(error_code error) {
    if (error == websocket::error::closed) return Finish(PrintClose());
    // Our own close ends the read as well; its handler knows how it went.
    if (closing_) return;
    std::fprintf(stderr, "longwire: connection lost without a close frame (1006): %s\n",
                 error.message().c_str());
    Finish(1);
  }

  // Says how the peer closed. Returns the exit code that this deserves.
  int PrintClose() {
    const auto& reason = ws_.reason();
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
    if (closing_) return 0;
    std::fprintf(stderr, "longwire: cannot connect to ws://%s%s: %s\n",
                 Printable(options_.url.authority).c_str(), Printable(options_.url.target).c_str(),
                 error.message().c_str());
    std::fputs("longwire: is longwire-gateway running, and is this its --ws-listen address?\n",
               stderr);
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
  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer deadline_;
  websocket::stream<beast::tcp_stream> ws_;
  websocket::response_type response_;
  beast::flat_buffer incoming_;
  // The front one is being written.
  std::deque<Outgoing> outgoing_;
  std::unique_ptr<LineReader> lines_;
  uint64_t received_ = 0;
  bool closing_ = false;
  bool close_when_written_ = false;
  int exit_code_ = 1;
};

}  // namespace

int RunConnect(const ConnectOptions& options) {
  return Connection(options).Run();
}

}  // namespace longwire::client::cli
