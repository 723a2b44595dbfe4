#include "server/api/caller_tokens.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "server/base/file.h"
#include "server/base/limits.h"

namespace longwire {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool IsVisible(char c) {
  return c > ' ' && c <= '~';
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// RFC 6750 2.1, and RFC 9110 11.1: the scheme in any case.
std::optional<std::string_view> TokenIn(std::string_view authorization) {
  if (authorization.size() < kScheme.size()) return std::nullopt;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (Lower(authorization[i]) != kScheme[i]) return std::nullopt;
  }
  return authorization.substr(kScheme.size());
}

}  // namespace

CallerTokens::Digest CallerTokens::DigestOf(std::string_view token) {
  Digest digest{};
  EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

absl::StatusOr<std::vector<CallerTokens::Digest>> CallerTokens::Read(const std::string& file) {
  auto contents = ReadFile(file, kCallerTokenFileBytesMax);
  if (!contents.ok()) return contents.status();
  std::vector<Digest> digests;
  std::string_view rest = *contents;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.size() > kCallerTokenBytesMax || !std::all_of(line.begin(), line.end(), IsVisible)) {
      return absl::InvalidArgumentError(
          fmt::format("{}, line {}: a token is 1 to {} visible ASCII characters without blanks",
                      file, number, kCallerTokenBytesMax));
    }
    digests.push_back(DigestOf(line));
  }
  OPENSSL_cleanse(contents->data(), contents->size());
  // An empty file would let nobody in; more likely it is not written yet.
  if (digests.empty()) return absl::InvalidArgumentError(fmt::format("{} holds no token", file));
  return digests;
}

absl::StatusOr<std::unique_ptr<CallerTokens>> CallerTokens::Load(std::string file) {
  auto digests = Read(file);
  if (!digests.ok()) return digests.status();
  return std::unique_ptr<CallerTokens>(new CallerTokens(std::move(file), *std::move(digests)));
}

absl::Status CallerTokens::Reload() {
  auto digests = Read(file_);
  if (!digests.ok()) return digests.status();
  absl::MutexLock lock(&mutex_);
  digests_ = *std::move(digests);
  return absl::OkStatus();
}

std::optional<Refusal> CallerTokens::Check(const grpc::ServerContextBase& context) const {
  std::vector<std::string_view> authorizations;
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  for (auto found = begin; found != end; ++found) {
    authorizations.emplace_back(found->second.data(), found->second.size());
  }
  return Check(authorizations);
}

std::optional<Refusal> CallerTokens::Check(
    const std::vector<std::string_view>& authorizations) const {
  if (authorizations.empty()) {
    return Refusal{Reason::kCallerUnauthenticated,
                   "this gateway wants a token: send the metadata `authorization: Bearer TOKEN`"};
  }
  if (authorizations.size() > 1) {
    return Refusal{Reason::kCallerUnauthenticated, "`authorization` was sent more than once"};
  }
  const std::optional<std::string_view> token = TokenIn(authorizations[0]);
  if (!token) {
    return Refusal{Reason::kCallerUnauthenticated,
                   "`authorization` has to be `Bearer TOKEN`: no other scheme is known here"};
  }
  const Digest digest = DigestOf(*token);
  bool is_known = false;
  {
    absl::MutexLock lock(&mutex_);
    // Each of them, whether or not one was found.
    for (const Digest& known : digests_) {
      is_known |= CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0;
    }
  }
  if (is_known) return std::nullopt;
  return Refusal{Reason::kCallerUnauthenticated, "the token is none of this gateway's"};
}

}  // namespace longwire
