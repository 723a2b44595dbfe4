#include "token.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "read_file.h"

namespace longwire::client::internal {

bool IsToken(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::variant<Token, std::string> ReadTokenFile(const std::string& path) {
  std::string text;
  if (std::string why = ReadFile("", path, kTokenBytesMax, &text); !why.empty()) return why;
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
