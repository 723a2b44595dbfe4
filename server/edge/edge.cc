#include "server/edge/edge.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "server/base/limits.h"
#include "server/base/log_limiter.h"
#include "server/base/utf8.h"
#include "server/core/name.h"
#include "server/edge/connection.h"
#include "server/edge/http_connection.h"
#include "server/edge/proxy_connection.h"

namespace longwire {
namespace {

// A slice of a broadcast, and most turns, touch no more sessions: none has to be made anew.
constexpr size_t kSpareOutboxesMax = kBroadcastSliceSessionsMax;

// What is wrong with a provider's answer; empty when nothing is.
std::string CheckAccepted(const AuthAccepted& accepted, const EdgeOptions& options) {
  if (accepted.uid.size() > kUidBytesMax) {
    return fmt::format("a uid of {} bytes (at most {})", accepted.uid.size(), kUidBytesMax);
  }
  if (!IsValidUtf8(accepted.uid)) return "a uid that is not UTF-8";
  size_t attribute_bytes = 0;
  for (const auto& [name, value] : accepted.attributes) {
    attribute_bytes += name.size() + value.size();
    if (!IsValidUtf8(name) || !IsValidUtf8(value)) return "an attribute that is not UTF-8";
  }
  if (attribute_bytes > kAttributesBytesMax) {
    return fmt::format("attributes of {} bytes (at most {})", attribute_bytes, kAttributesBytesMax);
  }
  if (accepted.topics.size() > kTopicsPerSessionMax) {
    return fmt::format("{} topics (at most {})", accepted.topics.size(), kTopicsPerSessionMax);
  }
  for (const std::string& topic : accepted.topics) {
    if (!IsValidName(topic)) return fmt::format("a topic that is not {}", kNameRule);
  }
  if (!accepted.reply) return {};
  if (accepted.reply->body.size() > options.message_bytes_max) {
    return fmt::format("a reply of {} bytes (at most {})", accepted.reply->body.size(),
                       options.message_bytes_max);
  }
  if (accepted.reply->type == MessageType::kText && !IsValidUtf8(accepted.reply->body)) {
    return "a text reply that is not UTF-8";
  }
  return {};
}

AuthResult Checked(AuthResult result, const EdgeOptions& options, int64_t wall_millis) {
  if (auto* refused = std::get_if<AuthRefused>(&result)) {
    if (!IsValidUtf8(refused->text)) refused->text.clear();
    return result;
  }
  const auto* accepted = std::get_if<AuthAccepted>(&result);
  if (accepted->expires_at_millis && *accepted->expires_at_millis <= wall_millis) {
    return AuthRefused{.kind = AuthRefused::Kind::kUnauthenticated,
                       .text = "the authentication has expired"};
  }
  const std::string fault = CheckAccepted(*accepted, options);
  if (fault.empty()) return result;
  static LogLimiter limiter;
  if (const auto left_out = limiter.Allow()) {
    spdlog::error(
        "the authenticator answered with {}; the client is asked to try again "
        "({} such lines were left out)",
        fault, *left_out);
  }
  return AuthRefused{.kind = AuthRefused::Kind::kUnavailable,
                     .text = "authentication is not available"};
}

}  // namespace

// The answer that is being asked for on this thread, for a provider that gives it at once.
struct Edge::AnswerAtOnce {
  const AuthReturn* asked_for;
  uint64_t number;
  std::optional<AuthResult> result;

  static thread_local AnswerAtOnce* current;
};
thread_local Edge::AnswerAtOnce* Edge::AnswerAtOnce::current = nullptr;

Edge::Edge(EdgeShared& shared, Loop& loop, Shard& shard, LoopMetrics& metrics)
    : shared_(shared),
      loop_(loop),
      shard_(shard),
      metrics_(metrics),
      auth_return_(std::make_shared<AuthReturn>()) {
  absl::MutexLock lock(&auth_return_->mutex);
  auth_return_->edge = this;
}

Edge::~Edge() {
  absl::MutexLock lock(&auth_return_->mutex);
  auth_return_->edge = nullptr;
}

void Edge::Adopt(int fd, const RemoteAddress& remote, const HttpPort& port) {
  adopting_.fetch_sub(1);
  // The admin port is left open: a flood of clients must not make the liveness probe fail.
  const size_t most = port.tls != nullptr ? kTlsHandshakesPerLoopMax : kHandshakesPerLoopMax;
  if (port.has_upgrade && handshakes_ >= most) {
    // No room for a request, so none for an answer either.
    CountRefusal(AdmissionRefusal::kHandshakesMax);
    close(fd);
    return;
  }
  if (port.has_proxy_header) {
    Add(std::make_unique<ProxyConnection>(*this, fd, remote, port));
    return;
  }
  auto connection = std::make_unique<HttpConnection>(*this, fd, remote, port);
  HttpConnection& http = *connection;
  Add(std::move(connection));
  http.Start({});
}

std::optional<AuthResult> Edge::Authenticate(AuthRequest request, AuthWaiter& waiter) {
  const SessionId id = request.session_id;
  AnswerAtOnce answer{.asked_for = auth_return_.get(), .number = ++auth_requests_};
  waiting_for_auth_[id] = {&waiter, answer.number};
  AnswerAtOnce::current = &answer;
  Ask(std::move(request), answer.number);
  AnswerAtOnce::current = nullptr;
  if (!answer.result) return std::nullopt;
  waiting_for_auth_.erase(id);
  return Checked(*std::move(answer.result), options(), loop_.wall_millis());
}

void Edge::AuthenticateLater(AuthRequest request, AuthWaiter& waiter) {
  waiting_for_auth_[request.session_id] = {&waiter, ++auth_requests_};
  Ask(std::move(request), auth_requests_);
}

// By number as well as by ID: a session may ask again, and an answer that was given up may come
// yet.
void Edge::Ask(AuthRequest request, uint64_t number) {
  const SessionId id = request.session_id;
  shared_.auth.Authenticate(
      std::move(request), [way = auth_return_, id, number](AuthResult result) {
        AnswerAtOnce* const current = AnswerAtOnce::current;
        if (current == nullptr || current->asked_for != way.get() || current->number != number) {
          PostAnswer(way, id, number, std::move(result));
        } else if (!current->result) {
          current->result = std::move(result);
        }
      });
}

void Edge::PostAnswer(const std::shared_ptr<AuthReturn>& way, SessionId id, uint64_t number,
                      AuthResult result) {
  absl::MutexLock lock(&way->mutex);
  if (way->edge == nullptr) return;
  way->edge->loop_.Post([way, id, number, result = std::move(result)]() mutable {
    Edge* edge;
    {
      absl::MutexLock edge_lock(&way->mutex);
      edge = way->edge;
    }
    const auto found = edge->waiting_for_auth_.find(id);
    if (found == edge->waiting_for_auth_.end() || found->second.number != number) return;
    AuthWaiter& asker = *found->second.waiter;
    edge->waiting_for_auth_.erase(found);
    asker.OnAuthResult(Checked(std::move(result), edge->options(), edge->loop_.wall_millis()));
  });
}

void Edge::Add(std::unique_ptr<Connection> connection) {
  connection->slot_ = static_cast<uint32_t>(connections_.size());
  connections_.push_back(std::move(connection));
  metrics_.connections.Add();
}

void Edge::Remove(Connection& connection) {
  std::unique_ptr<Connection>& slot = connections_[connection.slot_];
  loop_.Retire(std::move(slot));
  if (&slot != &connections_.back()) {
    slot = std::move(connections_.back());
    slot->slot_ = connection.slot_;
  }
  connections_.pop_back();
  metrics_.connections.Subtract();
}

void Edge::EndAdmission() {
  // Of a copy: who is turned away may end at once, and another takes its place.
  std::vector<Connection*> all;
  for (const auto& connection : connections_) all.push_back(connection.get());
  for (Connection* connection : all) {
    if (!connection->is_ended()) connection->OnAdmissionEnd();
  }
}

void Edge::EndTurn() {
  // What is sent may end connections and write to others: those wait for the next round.
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (Connection* connection : flushing_) connection->Flush();
    flushing_.clear();
  }
}

std::span<char> Edge::plain_buffer() {
  // A first read may be handed on together with the ClientHello that came before it.
  constexpr size_t kHelloBytes = 2 * TlsStream::kRecordBytesMax;
  if (plain_buffer_.empty()) {
    plain_buffer_.resize(kReadBufferBytes + kHelloBytes + TlsStream::kRecordBytesMax);
  }
  return plain_buffer_;
}

std::unique_ptr<Outbox> Edge::TakeOutbox() {
  if (spare_outboxes_.empty()) return std::make_unique<Outbox>(shared_.outbox_budget);
  std::unique_ptr<Outbox> outbox = std::move(spare_outboxes_.back());
  spare_outboxes_.pop_back();
  return outbox;
}

void Edge::GiveOutbox(std::unique_ptr<Outbox> outbox) {
  if (spare_outboxes_.size() < kSpareOutboxesMax && outbox->Recycle()) {
    spare_outboxes_.push_back(std::move(outbox));
  }
}

}  // namespace longwire
