// Fuzzes CheckClientHello over every beginning of the input: it asks for more until it knows, and
// what it knows then no further byte changes. An input is what came of a connection.
#include "server/edge/client_hello.h"

#include <string_view>

#include "server/base/limits.h"
#include "tests/fuzz/fuzz_input.h"

using longwire::CheckClientHello;
using longwire::ClientHelloCheck;
using longwire::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ClientHelloCheck known = ClientHelloCheck::kNeedMore;
  for (size_t count = 0; count <= bytes.size(); ++count) {
    const ClientHelloCheck check = CheckClientHello(bytes.substr(0, count));
    Require(known == ClientHelloCheck::kNeedMore || check == known, "what is known stays so");
    Require(check != ClientHelloCheck::kNeedMore || count < 5 + 16'384,
            "what it waits for is bounded");
    if (check == ClientHelloCheck::kComplete && known == ClientHelloCheck::kNeedMore) {
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
      Require(count == 5 + (size_t{byte(3)} << 8 | byte(4)), "it is complete with its record");
      Require(byte(0) == 22 && byte(5) == 1, "it is a ClientHello in a handshake record");
      Require((size_t{byte(6)} << 16 | size_t{byte(7)} << 8 | byte(8)) <=
                  longwire::kClientHelloBytesMax,
              "it is of a size that is taken");
    }
    known = check;
  }
  return 0;
}
