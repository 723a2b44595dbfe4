// Fuzzes OriginPatterns. An input is two lines: the patterns, with blanks between them, and the
// origin.
#include "server/edge/origin.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::FuzzInput;
using longwire::OriginPatterns;
using longwire::Require;

std::string UpperCase(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return text;
}

// What a page that may connect cannot be mistaken for.
void RequireIsOneOrigin(const OriginPatterns& patterns, const std::string& origin) {
  if (origin == "null") return;
  const size_t scheme_end = origin.find("://");
  Require(scheme_end != std::string::npos && scheme_end > 0, "an origin has a scheme");
  const std::string rest = origin.substr(scheme_end + 3);
  Require(!rest.empty() && rest.find_first_of("/?#@\\,*\" ") == std::string::npos,
          "an origin is nothing but a host and a port behind its scheme");
  Require(std::all_of(origin.begin(), origin.end(), [](char c) { return c > ' ' && c < '\x7F'; }),
          "an origin has no blanks, control bytes and other scripts");
  Require(patterns.Allows(UpperCase(origin)), "an origin is the same in any case");
  for (const char* more : {"/", " ", "\t", "/.", "?", "#", "@example.com", ",", "\r\n", ":"}) {
    Require(!patterns.Allows(origin + more), "nothing may follow an origin");
  }
  for (const char* more : {" ", "/", "//", "https:/", "\t", ",", "@", "null,", "://"}) {
    Require(!patterns.Allows(more + origin), "nothing may stand before an origin");
  }
  Require(!patterns.Allows(origin + std::string(1, '\0')), "a zero byte does not end an origin");
  Require(!patterns.Allows(origin + " " + origin), "one page is not two");
}

void RequireMeansWhatItSays(const std::string& pattern, const OriginPatterns& alone) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) {
    Require(alone.Allows(pattern), "a pattern allows itself");
    return;
  }
  const std::string begin = pattern.substr(0, star), end = pattern.substr(star + 1);
  Require(alone.Allows(begin + "a" + end), "a star is a label");
  Require(alone.Allows(begin + "a.b-c.d" + end), "a star is several labels");
  Require(!alone.Allows(begin + end), "a star is not an empty label");
  Require(!alone.Allows(begin + end.substr(1)), "a star is not the domain itself");
  Require(!alone.Allows(begin + "evil" + end.substr(1)), "a star ends with a dot");
  Require(!alone.Allows(begin + "evil.org:1" + end), "a star has no port in it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const std::string_view line = input.Until('\n');
  const std::string origin(input.rest());
  FuzzInput words(reinterpret_cast<const uint8_t*>(line.data()), line.size());
  std::vector<std::string> patterns;
  bool all_are_good = true, one_allows = false;
  while (!words.rest().empty()) {
    patterns.emplace_back(words.Until(' '));
    const auto alone = OriginPatterns::Parse({patterns.back()});
    all_are_good &= alone.ok();
    if (!alone.ok()) {
      const std::string why(alone.status().message());
      Require(why.starts_with("\"" + patterns.back() + "\" is no origin: "), "an error names it");
      continue;
    }
    one_allows |= alone->Allows(origin);
    Require(alone->allows_any() == (patterns.back() == "*"), "only a star alone allows any");
    if (!alone->allows_any()) RequireMeansWhatItSays(patterns.back(), *alone);
  }
  const auto together = OriginPatterns::Parse(patterns);
  Require(together.ok() == all_are_good, "patterns are good together if each is");
  if (!together.ok()) return 0;
  Require(together->Allows(origin) == (one_allows || patterns.empty()), "one of them has to allow");
  if (!together->allows_any() && one_allows) RequireIsOneOrigin(*together, origin);
  return 0;
}
