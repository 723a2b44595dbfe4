#pragma once

#include <cstddef>
#include <string>

namespace longwire::client::internal {

// Fills `content` with the whole file. Returns why it cannot be read, for a person, e.g. "cannot
// read ca.pem: No such file or directory", also where it has more than `bytes_max`; or nothing.
// `what` stands before the name, e.g. "the CA file "; it may be empty. Waits if it is a pipe.
std::string ReadFile(const std::string& what, const std::string& path, size_t bytes_max,
                     std::string* content);

}  // namespace longwire::client::internal
