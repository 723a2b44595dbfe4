// The bearer token of a Client.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "sync.h"

namespace longwire::client::internal {

// The longest that is read from a file; a gRPC server takes no more than 8 KiB of headers.
inline constexpr size_t kTokenBytesMax = 8192;

// Whether a header can carry it: not empty, and printable ASCII without spaces. gRPC would abort
// the process over others.
bool IsToken(std::string_view text);

struct Token {
  std::string text;
};

// The token in the file, without the white space around it; or one sentence for a person on why
// there is none. Waits if the file is a pipe.
std::variant<Token, std::string> ReadTokenFile(const std::string& path);

// Where a Client takes its token from: the file if there is one, read anew each time, since tokens
// expire and are replaced while the Client lives. A file that holds no token, or has none just now,
// leaves the token of before in use. Safe from any thread.
class TokenSource {
 public:
  // `token` is used until the file has given one. Either may be empty.
  TokenSource(std::string token, std::string file);

  // Empty = there is none.
  std::string Get() const;

 private:
  const std::string file_;
  mutable Mutex mu_;
  mutable std::string token_ ABSL_GUARDED_BY(mu_);
};

}  // namespace longwire::client::internal
