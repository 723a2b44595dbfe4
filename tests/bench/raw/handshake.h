#pragma once

#include <string>
#include <string_view>

namespace longwire::bench {

// The answer to an upgrade request that ends in an empty line: 101 with the accept value of its
// Sec-WebSocket-Key. Empty if it has none. Nothing else is checked: this is the least that a
// WebSocket client is content with.
std::string AnswerHandshake(std::string_view request);

}  // namespace longwire::bench
