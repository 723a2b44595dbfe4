#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace longwire {

// Which pages may connect: what --allowed-origins lists. A browser says in Origin which page a
// connection is from, and lets every page connect to every server, with the cookies that it has for
// it; so where cookies say who a user is, only the server keeps other pages from speaking as them.
//
// A pattern is an origin as browsers write it (RFC 6454 6.2): "https://app.example.com",
// "https://app.example.com:8443", "http://[::1]:3000", "capacitor://localhost", or "null" for pages
// that have none. In "https://*.example.com" the star stands for one or more labels: it is every
// subdomain, however deep, and not example.com. "*" alone is every origin, "null" included. Scheme
// and host are compared in any case, and the default port of http and https may be written or not.
class OriginPatterns {
 public:
  // Every origin is allowed.
  OriginPatterns() = default;
  // An empty list allows every origin. INVALID_ARGUMENT names the pattern and what is wrong with
  // it.
  static absl::StatusOr<OriginPatterns> Parse(const std::vector<std::string>& patterns);

  bool allows_any() const { return allows_any_; }

  // `origin` is the value of the one Origin header that a request has. Anything that is not one
  // origin, and nothing else, is only allowed when any is.
  bool Allows(std::string_view origin) const;

 private:
  // What an origin has before and behind what a star stands for: "https://", ".example.com:8443".
  struct StarPattern {
    std::string begin, end;
  };

  absl::Status Add(std::string_view pattern);

  bool allows_any_ = true;
  bool allows_null_ = false;
  absl::flat_hash_set<std::string> exact_;
  std::vector<StarPattern> stars_;
};

}  // namespace longwire
