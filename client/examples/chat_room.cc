#include "client/examples/chat_room.h"

#include <algorithm>
#include <utility>

namespace longwire::examples {

namespace {

constexpr size_t kNameBytesMax = 32;
constexpr size_t kLineBytesMax = 4000;
constexpr size_t kNamesListedMax = 50;
constexpr char kHelp[] = "/nick NAME changes your name, /who lists who is here";

bool IsControl(unsigned char c) {
  return c < 0x20 || c == 0x7F;
}

// A message is one line: a newline in it could pass for a line of somebody else.
std::string OneLine(std::string text) {
  std::replace_if(text.begin(), text.end(), IsControl, ' ');
  return text;
}

}  // namespace

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kNameBytesMax || text[0] == '*' || text[0] == '/') return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return IsControl(c) || c == ' ' || c == ':'; });
}

void ChatRoom::OnEvent(const v1::Event& event) {
  switch (event.type()) {
    case v1::EVENT_TYPE_ENTER:
      return Enter(event);
    case v1::EVENT_TYPE_ROUTE:
      return Hear(event);
    case v1::EVENT_TYPE_LEAVE:
      return Leave(event.session_id());
    default:
      // A type that a later gateway may have: nothing to do with a chat.
      return;
  }
}

void ChatRoom::BeginSnapshot() {
  for (auto& [session_id, member] : members_) member.in_doubt = true;
}

void ChatRoom::OnSnapshotDone() {
  const size_t gone =
      std::erase_if(members_, [](const auto& entry) { return entry.second.in_doubt; });
  if (gone > 0) SayToAll("* " + std::to_string(gone) + " left while the chat was away");
}

void ChatRoom::Enter(const v1::Event& event) {
  const int64_t id = event.session_id();
  if (const auto known = members_.find(id); known != members_.end()) {
    known->second.in_doubt = false;
    return;
  }
  const Member* member = Add(id, event.uid());
  // Someone of a snapshot has been here all along.
  if (event.snapshot()) return;
  say_(id, "* welcome, " + member->name + "! " + kHelp);
  SayToAll("* " + member->name + " joined", id);
}

void ChatRoom::Leave(int64_t session_id) {
  const auto at = members_.find(session_id);
  if (at == members_.end()) return;
  const std::string name = at->second.name;
  members_.erase(at);
  SayToAll("* " + name + " left");
}

void ChatRoom::Hear(const v1::Event& event) {
  const int64_t id = event.session_id();
  const auto known = members_.find(id);
  Member* member = known != members_.end() ? &known->second : Add(id, event.uid());
  const v1::Message& message = event.routed().message();
  if (!message.has_text()) return say_(id, "* this chat speaks text only");
  const std::string& text = message.text();
  if (text.size() > kLineBytesMax) return say_(id, "* too long: at most 4000 bytes");
  if (text.starts_with('/')) return Obey(id, member, text);
  SayToAll(member->name + ": " + OneLine(text));
}

void ChatRoom::Obey(int64_t session_id, Member* member, std::string_view command) {
  const size_t space = command.find(' ');
  const std::string_view verb = command.substr(0, space);
  std::string_view rest = space == command.npos ? "" : command.substr(space + 1);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  if (verb == "/who") return SayWhoIsHere(session_id);
  if (verb != "/nick") return say_(session_id, std::string("* ") + kHelp);
  if (!IsName(rest)) {
    return say_(session_id,
                "* a name has 1 to 32 bytes, no spaces and no colon, and no * or / in front");
  }
  if (!IsFree(rest)) return say_(session_id, "* that name is taken");
  const std::string before = std::exchange(member->name, std::string(rest));
  SayToAll("* " + before + " is now " + member->name);
}

ChatRoom::Member* ChatRoom::Add(int64_t session_id, const std::string& uid) {
  std::string name = uid;
  while (!IsName(name) || !IsFree(name)) name = "guest-" + std::to_string(++guests_);
  return &(members_[session_id] = {.name = std::move(name)});
}

void ChatRoom::SayToAll(const std::string& line, int64_t except_session_id) {
  for (const auto& [session_id, member] : members_) {
    if (session_id != except_session_id) say_(session_id, line);
  }
}

void ChatRoom::SayWhoIsHere(int64_t session_id) {
  std::string line = "* here: ";
  size_t listed = 0;
  for (const auto& [id, member] : members_) {
    if (listed == kNamesListedMax) break;
    line += (listed++ == 0 ? "" : ", ") + member.name;
  }
  if (listed < members_.size())
    line += " and " + std::to_string(members_.size() - listed) + " more";
  say_(session_id, line);
}

bool ChatRoom::IsFree(std::string_view name) const {
  return std::none_of(members_.begin(), members_.end(),
                      [name](const auto& entry) { return entry.second.name == name; });
}

}  // namespace longwire::examples
