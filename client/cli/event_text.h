// Events as lines: for people, and for programs. Pure.
#pragma once

#include <string>
#include <string_view>

#include "longwire/v1/gateway.pb.h"

namespace longwire::client::cli {

// One line without its newline, fields in fixed order: time (UTC), sequence ("snapshot" for one of
// a snapshot), type, session ID, uid ("-" where anonymous), then what the type has to tell.
// Control characters of strangers are escaped.
std::string EventLine(const v1::Event& event);
std::string GapLine(const v1::Gap& gap);

// The object as protobuf's JSON has it, on one line: camelCase names, 64-bit numbers as strings,
// fields at their default left out.
std::string EventJson(const v1::Event& event);
// {"gap":{...}} and {"snapshotDone":true}: lines that are no events, told apart by their one key.
std::string GapJson(const v1::Gap& gap);
std::string_view SnapshotDoneJson();

}  // namespace longwire::client::cli
