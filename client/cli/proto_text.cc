#include "client/cli/proto_text.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <ctime>

namespace longwire::client::cli {

std::string TimeText(const google::protobuf::Timestamp& time) {
  const time_t seconds = time.seconds();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", time.nanos() / 1'000'000 % 1000);
  return text;
}

std::string Json(const google::protobuf::Message& proto) {
  std::string json;
  if (const auto status = google::protobuf::util::MessageToJsonString(proto, &json); !status.ok()) {
    return "{\"error\":\"cannot be written as JSON\"}";
  }
  return json;
}

}  // namespace longwire::client::cli
