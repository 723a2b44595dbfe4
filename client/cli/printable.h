// Bytes of strangers, made safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace longwire::client::cli {

// The text with control characters, also the C1 range, and bytes that are not UTF-8 written as
// \n, \r, \t, \xNN and the backslash as \\: what a client sends must not steer the terminal of
// whoever looks, and one event must stay one line.
std::string Printable(std::string_view text);

// Lower-case hexadecimal, two digits a byte, no spaces.
std::string Hex(std::string_view bytes);

}  // namespace longwire::client::cli
