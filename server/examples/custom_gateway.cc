// A gateway with its own idea of who a client is and of what clients say. It links
// longwire::gateway and nothing else, and takes the same command line as longwire-gateway:
//
//   longwire-example-gateway --ws-listen=127.0.0.1:0 --drain-period=1s
//
// Clients connect with a key, ws://127.0.0.1:8080/?key=open-sesame, and speak JSON envelopes:
// {"type":"say","data":{"text":"hi"}}. Backends get the type as the command and the data as the
// body, and what they route comes out as {"type":"message","data":...}.
#include <signal.h>

// The library has Boost.JSON compiled in, so its headers are all that is needed here.
#include <algorithm>
#include <boost/json.hpp>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "server/app/gateway.h"
#include "server/app/log.h"
#include "server/app/options.h"
#include "server/auth/auth_provider.h"
#include "server/protocol/protocol_provider.h"

namespace {

namespace json = boost::json;

// Lets a client in by the key in its URL. The table stands for a database: to ask one takes time,
// which an event loop does not have, so a thread of our own does it and answers from there.
class KeyAuth final : public longwire::AuthProvider {
 public:
  explicit KeyAuth(std::map<std::string, std::string, std::less<>> uids_by_key)
      : uids_by_key_(std::move(uids_by_key)), thread_([this] { Work(); }) {}
  ~KeyAuth() override {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  // On an event loop: only leaves the work for the thread. How much may wait is bounded by the
  // handshakes the gateway lets in at a time.
  void Authenticate(longwire::AuthRequest request,
                    absl::AnyInvocable<void(longwire::AuthResult)> done) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(request), std::move(done)});
    changed_.notify_one();
  }

 private:
  struct Question {
    longwire::AuthRequest request;
    absl::AnyInvocable<void(longwire::AuthResult)> done;
  };

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;  // Ended, and everybody has been answered.
      Question question = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      question.done(Judge(question.request));  // Under no lock; it may be called from any thread.
      lock.lock();
    }
  }

  longwire::AuthResult Judge(const longwire::AuthRequest& request) const {
    const auto found = uids_by_key_.find(KeyIn(request.handshake.query()));
    if (found == uids_by_key_.end()) {
      return longwire::AuthRefused{.text = "The URL has no key, or one that nobody knows."};
    }
    // Attributes are shown to backends with the session's ENTER.
    return longwire::AuthAccepted{.uid = found->second, .attributes = {{"let-in-by", "key"}}};
  }

  // The value of `key` in "room=1&key=open-sesame".
  static std::string_view KeyIn(std::string_view query) {
    constexpr std::string_view kName = "key=";
    while (!query.empty()) {
      const std::string_view pair = query.substr(0, query.find('&'));
      if (pair.starts_with(kName)) return pair.substr(kName.size());
      query.remove_prefix(std::min(query.size(), pair.size() + 1));
    }
    return {};
  }

  const std::map<std::string, std::string, std::less<>> uids_by_key_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> waiting_;  // Guarded by mutex_.
  bool is_ending_ = false;        // Guarded by mutex_.
  std::thread thread_;
};

// {"type":"say","data":...} on the clients' side, a command and a body on the backends'. Both calls
// come on several threads at once: there is no state here.
class EnvelopeProtocol final : public longwire::ProtocolProvider {
 public:
  std::variant<longwire::RoutedMessage, longwire::ProtocolViolation> Decode(
      longwire::MessageView received, std::string& scratch) const override {
    if (received.type != longwire::MessageType::kText) return Violation("only text is spoken here");
    json::error_code error;
    const json::value envelope = json::parse(received.body, error);
    const json::object* fields = error ? nullptr : envelope.if_object();
    const json::value* type = fields == nullptr ? nullptr : fields->if_contains("type");
    if (type == nullptr || !type->is_string())
      return Violation("this is no {\"type\":...,\"data\":...}");
    const json::value* data = fields->if_contains("data");
    // The answer may point into `scratch`: first the command stands there, then the body.
    const json::string& command = type->get_string();
    scratch.assign(command.data(), command.size());
    if (data != nullptr) scratch += json::serialize(*data);
    const std::string_view all = scratch;
    return longwire::RoutedMessage{
        .command = all.substr(0, command.size()),
        .message = {longwire::MessageType::kText, all.substr(command.size())}};
  }

  longwire::MessageView Encode(longwire::MessageView message, std::string& scratch) const override {
    if (message.type != longwire::MessageType::kText) return message;
    json::error_code error;
    json::value data = json::parse(message.body, error);
    // A backend that has nothing to do with JSON is shown as a string.
    if (error) data = json::string(message.body);
    scratch = json::serialize(json::object{{"type", "message"}, {"data", std::move(data)}});
    return {longwire::MessageType::kText, scratch};
  }

 private:
  static longwire::ProtocolViolation Violation(std::string text) {
    return {.close_code = 1008, .text = std::move(text)};
  }
};

}  // namespace

int main(int argc, char** argv) {
  longwire::Options options;
  const longwire::CommandLineResult parsed = longwire::ParseCommandLine(argc, argv, options);
  if (parsed != longwire::CommandLineResult::kRun) {
    return parsed == longwire::CommandLineResult::kExitOk ? 0 : 2;
  }
  longwire::SetUpLog(options);

  // Blocked before there is any thread, so that sigwait below is the one place that sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  longwire::Providers providers;
  providers.auth = std::make_shared<KeyAuth>(std::map<std::string, std::string, std::less<>>{
      {"open-sesame", "ali-baba"}, {"friend", "gandalf"}});
  providers.protocol = std::make_shared<EnvelopeProtocol>();
  auto gateway = longwire::Gateway::Start(options, providers);
  if (!gateway.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[0], std::string(gateway.status().message()).c_str());
    return 1;
  }
  const longwire::Endpoints& endpoints = (*gateway)->endpoints();
  std::printf("ws listening on %s\ngrpc listening on %s\n", endpoints.ws.c_str(),
              endpoints.grpc.c_str());
  if (!endpoints.admin.empty()) std::printf("admin listening on %s\n", endpoints.admin.c_str());
  std::fflush(stdout);

  int signal_number = 0;
  sigwait(&signals, &signal_number);
  (*gateway)->Drain();
  return 0;
}
