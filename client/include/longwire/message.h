// Whom a call is for, and what it says.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longwire/v1/gateway.pb.h"
#include "longwire/v1/types.pb.h"

namespace longwire::client {

// One session, or all sessions of one uid. A value; copy it freely.
class Target {
 public:
  static Target Session(int64_t session_id) { return Target(session_id); }
  static Target Uid(std::string uid) { return Target(std::move(uid)); }

  bool is_session() const { return std::holds_alternative<int64_t>(to_); }
  int64_t session_id() const { return is_session() ? std::get<int64_t>(to_) : 0; }
  std::string uid() const { return is_session() ? std::string() : std::get<std::string>(to_); }

  // Sets the target of a RouteRequest or a KickRequest.
  template <typename Request>
  void ApplyTo(Request* request) const {
    if (is_session()) {
      request->set_session_id(std::get<int64_t>(to_));
    } else {
      request->set_uid(std::get<std::string>(to_));
    }
  }

 private:
  explicit Target(std::variant<int64_t, std::string> to) : to_(std::move(to)) {}

  std::variant<int64_t, std::string> to_;
};

// The sessions that a broadcast is for. A value; copy it freely.
class Audience {
 public:
  // All sessions in a topic, [A-Za-z0-9_.-]{1,64}.
  static Audience Topic(std::string topic);
  // All live sessions, the anonymous ones too.
  static Audience Everyone();
  // All sessions of these users, at least one.
  static Audience Uids(const std::vector<std::string>& uids);

  void ApplyTo(v1::BroadcastRequest* request) const { request->MergeFrom(audience_); }

 private:
  v1::BroadcastRequest audience_;
};

// A text message. The bytes must be UTF-8 (empty is valid); calls that send it check this first,
// because one string that is not would make the gateway unable to read the whole request.
v1::Message Text(std::string text);

// A binary message: any bytes, also none.
v1::Message Binary(std::string bytes);

}  // namespace longwire::client
