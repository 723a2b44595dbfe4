#include "longwire/message.h"

namespace longwire::client {

v1::Message Text(std::string text) {
  v1::Message message;
  message.set_text(std::move(text));
  return message;
}

v1::Message Binary(std::string bytes) {
  v1::Message message;
  message.set_binary(std::move(bytes));
  return message;
}

Audience Audience::Topic(std::string topic) {
  Audience audience;
  audience.audience_.set_topic(std::move(topic));
  return audience;
}

Audience Audience::Everyone() {
  Audience audience;
  audience.audience_.set_everyone(true);
  return audience;
}

Audience Audience::Uids(const std::vector<std::string>& uids) {
  Audience audience;
  audience.audience_.mutable_uids()->mutable_uids()->Add(uids.begin(), uids.end());
  return audience;
}

}  // namespace longwire::client
