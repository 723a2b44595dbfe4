// A place in the event log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longwire::client {

// Resume behind `sequence` in the log `log_id`. Keep it where your own state is kept: a
// subscription that starts from it misses nothing that the gateway still retains, and is told by
// a Gap of what it does not. Sequences of different logs have nothing to do with each other.
struct Cursor {
  std::string log_id;
  uint64_t sequence = 0;

  // "LOG_ID:SEQUENCE", the form in which the CLI prints and takes it.
  std::string ToString() const;
  // The inverse. nullopt if there is no colon, an empty log id or no number behind the last colon.
  static std::optional<Cursor> Parse(std::string_view text);

  bool operator==(const Cursor&) const = default;
};

}  // namespace longwire::client
