#include "token.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace longwire::client::internal {

bool IsToken(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::variant<Token, std::string> ReadTokenFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kTokenBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.eof() && file.fail()) {
    const char* why = errno != 0 ? std::strerror(errno) : "it is no regular file";
    return "cannot read " + path + ": " + why;
  }
  text.resize(file.gcount());
  if (text.size() > kTokenBytesMax) {
    return path + " is too long for a token: " + std::to_string(kTokenBytesMax) +
           " bytes are the most";
  }
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kWhiteSpace) + 1);
  text.erase(0, text.find_first_not_of(kWhiteSpace));
  if (text.empty()) return path + " is empty";
  if (!IsToken(text)) return "the token in " + path + " is not one word of plain ASCII";
  return Token{std::move(text)};
}

TokenSource::TokenSource(std::string token, std::string file)
    : file_(std::move(file)), token_(IsToken(token) ? std::move(token) : "") {}

std::string TokenSource::Get() const {
  // A pipe gives its token once only, and whoever opens it again may wait for ever.
  std::error_code error;
  if (!file_.empty() && std::filesystem::is_regular_file(file_, error)) {
    auto read = ReadTokenFile(file_);
    MutexLock lock(&mu_);
    if (auto* token = std::get_if<Token>(&read)) token_ = std::move(token->text);
    return token_;
  }
  MutexLock lock(&mu_);
  return token_;
}

}  // namespace longwire::client::internal
