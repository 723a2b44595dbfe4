// A WebSocket client on the terminal.
#include <cstdio>

#include "client/cli/commands.h"
#include "client/cli/printable.h"
#include "client/cli/websocket_talk.h"
#include "client/cli/websocket_tls.h"

namespace longwire::client::cli {

int RunConnect(const ConnectOptions& options) {
  if (!options.url.is_tls) return WebSocketTalk<PlainStream>(options, nullptr).Run();
  WebSocketTls tls(options.tls, options.url.host);
  if (const std::string why = tls.LoadTrust(); !why.empty()) {
    std::fprintf(stderr, "longwire: %s\n", Printable(why).c_str());
    return 1;
  }
  return WebSocketTalk<TlsStream>(options, &tls).Run();
}

}  // namespace longwire::client::cli
