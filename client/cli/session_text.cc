#include "client/cli/session_text.h"

#include <array>

#include "client/cli/printable.h"
#include "client/cli/proto_text.h"

namespace longwire::client::cli {

namespace {

constexpr size_t kColumns = 8;
using Row = std::array<std::string, kColumns>;
// Wide enough for most; what is wider moves the rest of its line.
constexpr std::array<size_t, kColumns - 1> kWidths = {19, 16, 21, 12, 24, 6, 6};

std::string Line(const Row& row) {
  std::string line;
  for (size_t i = 0; i < kColumns; ++i) {
    line += row[i];
    if (i + 1 == kColumns) break;
    if (row[i].size() < kWidths[i]) line.append(kWidths[i] - row[i].size(), ' ');
    line += ' ';
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string MoreOf(const v1::Session& session) {
  std::string more;
  const auto add = [&more](const std::string& what) {
    if (!more.empty()) more += ' ';
    more += what;
  };
  std::string topics;
  for (const std::string& topic : session.topics()) {
    topics += (topics.empty() ? "" : ",") + Printable(topic);
  }
  if (!topics.empty()) add(topics);
  if (!session.subprotocol().empty()) add("subprotocol " + Printable(session.subprotocol()));
  for (const auto& [key, value] : session.attributes()) {
    add(Printable(key) + "=" + Printable(value));
  }
  return more;
}

}  // namespace

std::string SessionHeading() {
  return Line({"SESSION", "UID", "FROM", "PATH", "SINCE", "IN", "OUT", "TOPICS"});
}

std::string SessionLine(const v1::Session& session) {
  return Line({std::to_string(session.session_id()),
               session.uid().empty() ? "-" : Printable(session.uid()),
               Printable(session.remote_address()), Printable(session.path()),
               TimeText(session.entered_at()), std::to_string(session.messages_in()),
               std::to_string(session.messages_out()), MoreOf(session)});
}

}  // namespace longwire::client::cli
