#include "read_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace longwire::client::internal {

std::string ReadFile(const std::string& what, const std::string& path, size_t bytes_max,
                     std::string* content) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file) {
    // One byte more than the most tells a file that is too long.
    content->resize(bytes_max + 1);
    content->resize(std::fread(content->data(), 1, content->size(), file.get()));
    if (content->size() > bytes_max) {
      return what + path + " is too long: " + std::to_string(bytes_max) + " bytes are the most";
    }
    if (std::ferror(file.get()) == 0) return "";
  }
  return "cannot read " + what + path + ": " + std::strerror(errno);
}

}  // namespace longwire::client::internal
