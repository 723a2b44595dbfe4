#include "longwire/cursor.h"

#include <charconv>

namespace longwire::client {

std::string Cursor::ToString() const {
  return log_id + ":" + std::to_string(sequence);
}

std::optional<Cursor> Cursor::Parse(std::string_view text) {
  // The last colon: nothing forbids one inside a log id.
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Cursor cursor{.log_id = std::string(text.substr(0, colon))};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, cursor.sequence);
  if (error != std::errc() || stop != end) return std::nullopt;
  return cursor;
}

}  // namespace longwire::client
