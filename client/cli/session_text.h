// Sessions as a table for people.
#pragma once

#include <string>

#include "longwire/v1/types.pb.h"

namespace longwire::client::cli {

// The columns' names, and one session under them: ID, uid, where from, path, since when, messages
// in and out, topics, and what else is known. One line each, safe for a terminal.
std::string SessionHeading();
std::string SessionLine(const v1::Session& session);

}  // namespace longwire::client::cli
