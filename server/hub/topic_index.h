#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/hub/hub_session.h"

namespace longwire {

// Which sessions of one loop are in which topics. Only what is in use costs anything: a topic with
// no session in it is not kept, and a session in no topic is not known here. Only on its loop.
class TopicIndex {
 public:
  // Takes the session out of some topics and puts it into others, in this order. False, and nothing
  // is changed, when it would then be in more than kTopicsPerSessionMax. Topics it is not in are
  // left, and those it is in are joined, without effect. REQUIRES: valid names; `leave` is sorted.
  [[nodiscard]] bool Update(HubSession& session, const std::vector<std::string>& leave,
                            const std::vector<std::string>& join);
  // Takes the session out of all. REQUIRES of the caller: before the session goes.
  void Remove(const HubSession& session);

  // Sorted.
  std::vector<std::string> TopicsOf(const HubSession& session) const;
  // How many sessions are in the topic.
  size_t SizeOf(std::string_view topic) const;
  // Calls visit(HubSession&) for each session in the topic; it must not change the index.
  template <typename Visit>
  void ForEach(std::string_view topic, Visit&& visit) const {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    for (HubSession* session : found->second->sessions) visit(*session);
  }

  // Topics with a session in them, and sessions in a topic.
  size_t topics() const { return topics_.size(); }
  size_t sessions() const { return topics_of_.size(); }

 private:
  struct Topic {
    std::string name;
    absl::flat_hash_set<HubSession*> sessions;
  };
  using Topics = std::vector<Topic*>;  // Sorted by name.

  Topic& NeedTopic(std::string_view name);
  void LeaveTopic(const HubSession& session, Topic& topic);

  // By the topic's own name, so that it is held once.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Topic>> topics_;
  absl::flat_hash_map<const HubSession*, Topics> topics_of_;
};

}  // namespace longwire
