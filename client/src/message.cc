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

}  // namespace longwire::client
