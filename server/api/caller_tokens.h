#pragma once

#include <grpcpp/server_context.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/base/refusal.h"

namespace longwire {

// Who may call longwire.v1.Gateway: whoever sends `authorization: Bearer TOKEN` with one of the
// tokens of a file. Several hold at once, so that they can be changed one caller after the other.
// Any thread.
//
// The file has a token a line, of 1 to kCallerTokenBytesMax visible ASCII characters; empty lines
// and those that begin with # are passed over.
class CallerTokens {
 public:
  // INVALID_ARGUMENT names the file, and the line by number, never by what it holds.
  static absl::StatusOr<std::unique_ptr<CallerTokens>> Load(std::string file);

  // Reads the file again; on an error the tokens stay as they were. A stream that is open goes on,
  // whatever token it was opened with.
  absl::Status Reload();

  // Nothing when the caller may go on. How long it takes says nothing of the tokens.
  std::optional<Refusal> Check(const grpc::ServerContextBase& context) const;
  // The same for the values of the `authorization` metadata.
  std::optional<Refusal> Check(const std::vector<std::string_view>& authorizations) const;

 private:
  using Digest = std::array<uint8_t, 32>;  // SHA-256

  explicit CallerTokens(std::string file, std::vector<Digest> digests)
      : file_(std::move(file)), digests_(std::move(digests)) {}
  static absl::StatusOr<std::vector<Digest>> Read(const std::string& file);
  static Digest DigestOf(std::string_view token);

  const std::string file_;
  mutable absl::Mutex mutex_;
  std::vector<Digest> digests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace longwire
