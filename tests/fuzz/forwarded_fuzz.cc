// Fuzzes ClientAddress, and the parsers of addresses and ranges that it goes by.
//
// An input is lines: the peer's address; the trusted ranges, with blanks between them; and the
// headers, each an F for Forwarded or anything else for X-Forwarded-For, and then the value.
#include "server/edge/forwarded.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

namespace {

using longwire::AddressRange;
using longwire::ClientAddress;
using longwire::ForwardedRefused;
using longwire::FuzzInput;
using longwire::HttpRequest;
using longwire::RemoteAddress;
using longwire::Require;

void RequireReadsItsOwnText(const RemoteAddress& address) {
  Require(RemoteAddress::Parse(address.ToString()) == address, "an address is read as it is shown");
  const auto range = AddressRange::Parse(address.Network(128).ToString());
  Require(range.ok() && range->Contains(address), "an address is a range that contains it");
}

std::vector<AddressRange> ParseRanges(std::string_view line) {
  std::vector<AddressRange> ranges;
  FuzzInput words(reinterpret_cast<const uint8_t*>(line.data()), line.size());
  while (!words.rest().empty()) {
    const std::string_view word = words.Until(' ');
    if (auto range = AddressRange::Parse(word); range.ok()) {
      const auto network = RemoteAddress::Parse(word.substr(0, word.find('/')));
      Require(network && range->Contains(*network), "a range contains its network");
      ranges.push_back(*range);
    }
  }
  return ranges;
}

bool IsTrusted(const RemoteAddress& address, const std::vector<AddressRange>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const AddressRange& range) { return range.Contains(address); });
}

// Whether the value has the address anywhere, whatever the syntax around it.
bool Names(std::string value, const RemoteAddress& address) {
  value.erase(std::remove(value.begin(), value.end(), '\\'), value.end());
  size_t begin = 0;
  while (begin <= value.size()) {
    const size_t end = std::min(value.find_first_of(",;=\" \t", begin), value.size());
    const std::string_view word = std::string_view(value).substr(begin, end - begin);
    if (RemoteAddress::Parse(word) == address) return true;
    if (RemoteAddress::Parse(word.substr(0, word.find(":_"))) == address) return true;
    begin = end + 1;
  }
  return false;
}

// A proxy that is trusted adds whom it got the request from, and that decides.
void RequireWhatIsAddedDecides(const RemoteAddress& peer, HttpRequest request,
                               const std::vector<AddressRange>& trusted) {
  const RemoteAddress client = *RemoteAddress::Parse("198.51.100.7:4242");
  if (IsTrusted(client, trusted)) return;
  bool has_standard = false, has_common = false;
  // To the last of each kind.
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    const bool is_standard = header->first == "Forwarded";
    bool& has_it = is_standard ? has_standard : has_common;
    if (has_it) continue;
    has_it = true;
    header->second += is_standard ? ", for=\"198.51.100.7:4242\";by=\"_x\"" : ",198.51.100.7:4242";
  }
  if (!has_standard && !has_common) return;
  const auto result = ClientAddress(peer, request, trusted);
  const auto* found = std::get_if<RemoteAddress>(&result);
  Require(found != nullptr && *found == client, "what the proxy adds decides");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const auto parsed_peer = RemoteAddress::Parse(input.Until('\n'));
  const RemoteAddress peer = parsed_peer.value_or(*RemoteAddress::Parse("10.0.0.1:5"));
  RequireReadsItsOwnText(peer);
  const std::vector<AddressRange> trusted = ParseRanges(input.Until('\n'));
  HttpRequest request;
  while (!input.rest().empty()) {
    const bool is_standard = input.Byte() == 'F';
    request.headers.emplace_back(is_standard ? "Forwarded" : "X-Forwarded-For", input.Until('\n'));
  }

  const auto result = ClientAddress(peer, request, trusted);
  const auto* client = std::get_if<RemoteAddress>(&result);
  if (!IsTrusted(peer, trusted)) {
    Require(client != nullptr && *client == peer, "who is not trusted is who it is");
    return 0;
  }
  if (client != nullptr) {
    RequireReadsItsOwnText(*client);
    const bool is_named =
        std::any_of(request.headers.begin(), request.headers.end(),
                    [&](const auto& header) { return Names(header.second, *client); });
    Require(is_named || *client == peer, "the client is the peer or named");
  } else {
    Require(request.Count("Forwarded") > 0 && request.Count("X-Forwarded-For") > 0,
            "one header alone contradicts nothing");
  }
  RequireWhatIsAddedDecides(peer, request, trusted);
  return 0;
}
