#include "server/auth/json_object.h"

#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <utility>

namespace longwire {
namespace {

constexpr size_t kDepthMax = 32;

// How many members the outermost object of a valid JSON text is written with.
size_t CountMembers(std::string_view object) {
  size_t members = 0;
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < object.size(); ++i) {
    const char c = object[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ':' && depth == 1) ++members;
  }
  return members;
}

}  // namespace

absl::StatusOr<boost::json::object> ParseJsonObject(std::string_view text,
                                                    boost::json::storage_ptr storage) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::parser parser(storage, options);
  parser.reset(std::move(storage));
  boost::json::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error == boost::json::error::too_deep) {
    return absl::InvalidArgumentError("is nested too deeply");
  }
  if (error) return absl::InvalidArgumentError("is not JSON");
  boost::json::value value = parser.release();
  if (!value.is_object()) return absl::InvalidArgumentError("is not a JSON object");
  // The parser has silently kept the last of equal names.
  if (value.get_object().size() != CountMembers(text)) {
    return absl::InvalidArgumentError("has a member twice");
  }
  return std::move(value.get_object());
}

}  // namespace longwire
