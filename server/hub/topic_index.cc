#include "server/hub/topic_index.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"

namespace longwire {
namespace {

// Hash tables do not shrink by themselves: without this a topic that was large once would cost, and
// take time to walk, for ever.
template <typename Table>
void ShrinkIfSparse(Table& table) {
  constexpr size_t kSmall = 64;
  if (table.capacity() > kSmall && table.size() < table.capacity() / 8) table.rehash(0);
}

}  // namespace

bool TopicIndex::Update(HubSession& session, const std::vector<std::string>& leave,
                        const std::vector<std::string>& join) {
  const auto found = topics_of_.find(&session);
  const Topics before = found == topics_of_.end() ? Topics() : found->second;
  std::vector<std::string_view> wanted(join.begin(), join.end());
  for (const Topic* topic : before) {
    if (!std::binary_search(leave.begin(), leave.end(), topic->name)) wanted.push_back(topic->name);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.size() > kTopicsPerSessionMax) return false;

  Topics after;
  after.reserve(wanted.size());
  for (const std::string_view name : wanted) {
    after.push_back(&NeedTopic(name));
    after.back()->sessions.insert(&session);
  }
  for (Topic* topic : before) {
    if (std::find(after.begin(), after.end(), topic) == after.end()) LeaveTopic(session, *topic);
  }
  if (!after.empty()) {
    topics_of_[&session] = std::move(after);
  } else if (topics_of_.erase(&session) > 0) {
    ShrinkIfSparse(topics_of_);
  }
  return true;
}

void TopicIndex::Remove(const HubSession& session) {
  const auto found = topics_of_.find(&session);
  if (found == topics_of_.end()) return;
  for (Topic* topic : found->second) LeaveTopic(session, *topic);
  topics_of_.erase(found);
  ShrinkIfSparse(topics_of_);
}

std::vector<std::string> TopicIndex::TopicsOf(const HubSession& session) const {
  std::vector<std::string> names;
  const auto found = topics_of_.find(&session);
  if (found == topics_of_.end()) return names;
  for (const Topic* topic : found->second) names.push_back(topic->name);
  return names;
}

size_t TopicIndex::SizeOf(std::string_view topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? 0 : found->second->sessions.size();
}

TopicIndex::Topic& TopicIndex::NeedTopic(std::string_view name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return *found->second;
  auto topic = std::make_unique<Topic>();
  topic->name = name;
  Topic& made = *topic;
  topics_.emplace(made.name, std::move(topic));
  return made;
}

void TopicIndex::LeaveTopic(const HubSession& session, Topic& topic) {
  topic.sessions.erase(&session);
  if (!topic.sessions.empty()) {
    ShrinkIfSparse(topic.sessions);
    return;
  }
  // Found first: the key is the name that goes with it.
  topics_.erase(topics_.find(topic.name));
  ShrinkIfSparse(topics_);
}

}  // namespace longwire
