// The demo's chat: who is there, and who is told what. It knows events and text, but neither
// sockets nor gRPC; the backend around it carries what it says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "longwire/v1/gateway.pb.h"

namespace longwire::examples {

// One room for all sessions. Lines of the room itself begin with "* ", and no name does.
//
// Its state is only what the events tell, so that it can be built again from a snapshot at any
// time; what the events do not tell (a name chosen by /nick) is lost when the backend restarts.
// Not thread-safe: feed it from the subscription's handlers.
class ChatRoom {
 public:
  // Carries one line of text to one session.
  using Say = std::function<void(int64_t session_id, const std::string& line)>;

  explicit ChatRoom(Say say) : say_(std::move(say)) {}

  void OnEvent(const v1::Event& event);
  // Everyone live is about to be told again: who is not, by OnSnapshotDone, has gone.
  void BeginSnapshot();
  void OnSnapshotDone();

  size_t size() const { return members_.size(); }

 private:
  struct Member {
    std::string name;
    // Not told again yet by the snapshot under way.
    bool in_doubt = false;
  };

  void Enter(const v1::Event& event);
  void Leave(int64_t session_id);
  void Hear(const v1::Event& event);
  void Obey(int64_t session_id, Member* member, std::string_view command);
  Member* Add(int64_t session_id, const std::string& uid);
  void SayToAll(const std::string& line, int64_t except_session_id = 0);
  void SayWhoIsHere(int64_t session_id);
  bool IsFree(std::string_view name) const;

  const Say say_;
  std::map<int64_t, Member> members_;
  uint64_t guests_ = 0;
};

// Whether that can be somebody's name: 1 to 32 bytes, no space, control character or colon, and
// not beginning with "*" or "/", so that nobody can speak as another or as the room.
bool IsName(std::string_view text);

}  // namespace longwire::examples
