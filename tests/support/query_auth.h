#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/auth/auth_provider.h"
#include "tests/support/fake_authenticator.h"

namespace longwire::test {

// AuthProviders as users of the library write them: the uid is what the query says (`/?uid=alice`).

// Answers at once, on the loop. The client's first message is its session's ID.
class QueryAuth final : public AuthProvider {
 public:
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
    done(AuthAccepted{.uid = QueryValue(request.handshake.query(), "uid"),
                      .reply = Message{.body = std::to_string(request.session_id)}});
  }
};

// Answers each time from a thread that it makes for it.
class ThreadedQueryAuth final : public AuthProvider {
 public:
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
    std::thread([uid = QueryValue(request.handshake.query(), "uid"),
                 done = std::move(done)]() mutable {
      done(AuthAccepted{.uid = std::move(uid)});
    }).detach();
  }
};

// Answers when the test does, from the test's thread.
class HeldAuth final : public AuthProvider {
 public:
  struct Pending {
    AuthRequest request;
    absl::AnyInvocable<void(AuthResult)> done;
  };

  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
    const std::lock_guard lock(mutex_);
    pending_.push_back({std::move(request), std::move(done)});
    changed_.notify_all();
  }

  // Waits for the oldest request that was not taken yet.
  Pending Take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return !pending_.empty(); })) {
      ADD_FAILURE() << "nobody was asked who the client is";
      return {{}, [](AuthResult) {}};
    }
    Pending oldest = std::move(pending_.front());
    pending_.erase(pending_.begin());
    return oldest;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Pending> pending_;  // Guarded by mutex_.
};

// Answers requests in pairs, both while it is asked the second.
class PairedQueryAuth final : public AuthProvider {
 public:
  void Authenticate(AuthRequest request, absl::AnyInvocable<void(AuthResult)> done) override {
    const std::lock_guard lock(mutex_);
    pair_.push_back({QueryValue(request.handshake.query(), "uid"), std::move(done)});
    if (pair_.size() < 2) return;
    for (auto& [uid, answer] : pair_) answer(AuthAccepted{.uid = std::move(uid)});
    pair_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, absl::AnyInvocable<void(AuthResult)>>> pair_;
};

// Answers twice, against the contract: a refusal, and then the opposite.
class ContradictingAuth final : public AuthProvider {
 public:
  void Authenticate(AuthRequest, absl::AnyInvocable<void(AuthResult)> done) override {
    done(AuthRefused{.kind = AuthRefused::Kind::kForbidden, .text = "no"});
    done(AuthAccepted{.uid = "alice"});
  }
};

// Has one answer for everybody, and takes only messages that begin with "login " for a login.
class FixedAuth final : public AuthProvider {
 public:
  explicit FixedAuth(AuthResult answer) : answer_(std::move(answer)) {}

  bool IsAuthRequest(MessageView message) const override {
    return message.body.starts_with("login ");
  }
  void Authenticate(AuthRequest, absl::AnyInvocable<void(AuthResult)> done) override {
    done(answer_);
  }

 private:
  const AuthResult answer_;
};

}  // namespace longwire::test
