#include "client/cli/event_text.h"

#include "client/cli/printable.h"
#include "client/cli/proto_text.h"

namespace longwire::client::cli {

namespace {

// "EVENT_TYPE_ENTER" without the enum's name; the number where this build knows no name for it.
template <typename Name>
std::string Short(const Name& name, std::string_view prefix, int number) {
  const std::string_view full = name;
  if (full.size() <= prefix.size()) return std::to_string(number);
  return std::string(full.substr(prefix.size()));
}

std::string EnterText(const v1::Enter& enter) {
  std::string text = "from ";
  text.append(Printable(enter.remote_address())).append(" ").append(Printable(enter.path()));
  if (!enter.query().empty()) text.append("?").append(Printable(enter.query()));
  if (!enter.subprotocol().empty()) {
    text.append(" subprotocol ").append(Printable(enter.subprotocol()));
  }
  for (const auto& [key, value] : enter.attributes()) {
    text.append(" ").append(Printable(key)).append("=").append(Printable(value));
  }
  return text;
}

std::string RoutedText(const v1::Routed& routed) {
  std::string text;
  if (!routed.command().empty()) {
    text.append("command ").append(Printable(routed.command())).append(" ");
  }
  const v1::Message& message = routed.message();
  if (message.has_text()) return text.append("text: ").append(Printable(message.text()));
  return text.append("binary: ").append(Hex(message.binary()));
}

std::string LeaveText(const v1::Leave& leave) {
  std::string text = Short(v1::LeaveReason_Name(leave.reason()), "LEAVE_REASON_", leave.reason());
  text.append(" ").append(std::to_string(leave.close_code()));
  if (!leave.close_reason().empty()) {
    text.append(" \"").append(Printable(leave.close_reason())).append("\"");
  }
  if (leave.silent()) text.append(" silent");
  return text;
}

}  // namespace

std::string EventLine(const v1::Event& event) {
  std::string line = TimeText(event.time());
  line.append(" ");
  line.append(event.snapshot() ? "snapshot" : std::to_string(event.sequence()));
  line.append(" ").append(Short(v1::EventType_Name(event.type()), "EVENT_TYPE_", event.type()));
  line.append(" ").append(std::to_string(event.session_id()));
  line.append(" ").append(event.uid().empty() ? "-" : Printable(event.uid())).append(" ");
  switch (event.detail_case()) {
    case v1::Event::kEnter:
      return line + EnterText(event.enter());
    case v1::Event::kRouted:
      return line + RoutedText(event.routed());
    case v1::Event::kLeave:
      return line + LeaveText(event.leave());
    case v1::Event::DETAIL_NOT_SET:
      break;
  }
  return line + "(no detail)";
}

std::string GapLine(const v1::Gap& gap) {
  const std::string reason = Short(v1::GapReason_Name(gap.reason()), "GAP_REASON_", gap.reason());
  std::string line = "GAP " + reason;
  if (gap.reason() == v1::GAP_REASON_RESTART) {
    return line + ": the gateway started anew; sessions that are not told again have ended";
  }
  line += ": events " + std::to_string(gap.first_missing());
  if (gap.next_available() > 0) line += " to " + std::to_string(gap.next_available() - 1);
  return line + " are no longer in the log";
}

std::string EventJson(const v1::Event& event) {
  return Json(event);
}

std::string GapJson(const v1::Gap& gap) {
  return "{\"gap\":" + Json(gap) + "}";
}

std::string_view SnapshotDoneJson() {
  return "{\"snapshotDone\":true}";
}

}  // namespace longwire::client::cli
