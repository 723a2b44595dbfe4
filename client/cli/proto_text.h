// The parts of events and sessions that both are written with.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

namespace longwire::client::cli {

// "2026-01-31T12:00:00.250Z"
std::string TimeText(const google::protobuf::Timestamp& time);

// One JSON object, on one line, as protobuf writes it.
std::string Json(const google::protobuf::Message& proto);

}  // namespace longwire::client::cli
