#include "server/edge/proxy_connection.h"

#include <memory>
#include <utility>
#include <variant>

#include "server/edge/http_connection.h"
#include "server/edge/proxy_header.h"

namespace longwire {

ProxyConnection::ProxyConnection(Edge& edge, int fd, const RemoteAddress& balancer,
                                 const HttpPort& port)
    : Connection(edge, fd, balancer),
      port_(port),
      deadline_millis_(edge.now_millis() + edge.options().handshake_timeout_millis),
      slot_(edge) {
  edge.loop().Schedule(*this, deadline_millis_);
}

void ProxyConnection::OnBytes(std::span<char> bytes) {
  header_.append(bytes.data(), bytes.size());
  const auto read = ReadProxyHeader(header_);
  if (std::holds_alternative<ProxyNeedMore>(read)) return;
  if (std::holds_alternative<ProxyRefused>(read)) {
    edge().CountRefusal(AdmissionRefusal::kProxyHeader);
    End();
    return;
  }
  const auto& header = std::get<ProxyHeader>(read);
  if (header.client) set_remote(*header.client);
  slot_.GiveBack();
  auto http =
      std::make_unique<HttpConnection>(*this, port_, deadline_millis_, header.client.has_value());
  HttpConnection& next = *http;
  edge().Add(std::move(http));
  End();
  std::string rest = header_.substr(header.bytes);
  next.Start(rest);
}

void ProxyConnection::OnTimer() {
  edge().CountRefusal(AdmissionRefusal::kHandshakeTimeout);
  End();
}

}  // namespace longwire
