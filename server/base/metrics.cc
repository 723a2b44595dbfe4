#include "server/base/metrics.h"

namespace longwire {

std::string_view AdmissionRefusalLabel(AdmissionRefusal refusal) {
  switch (refusal) {
    case AdmissionRefusal::kBadRequest:
      return "bad_request";
    case AdmissionRefusal::kNotFound:
      return "not_found";
    case AdmissionRefusal::kUpgradeRequired:
      return "upgrade_required";
    case AdmissionRefusal::kExpectation:
      return "expectation";
    case AdmissionRefusal::kHeaderTooLarge:
      return "header_too_large";
    case AdmissionRefusal::kHandshakeTimeout:
      return "handshake_timeout";
    case AdmissionRefusal::kUnauthenticated:
      return "unauthenticated";
    case AdmissionRefusal::kForbidden:
      return "forbidden";
    case AdmissionRefusal::kAuthUnavailable:
      return "auth_unavailable";
    case AdmissionRefusal::kAuthTimeout:
      return "auth_timeout";
    case AdmissionRefusal::kDuplicateLogin:
      return "duplicate_login";
    case AdmissionRefusal::kSessionsMax:
      return "sessions_max";
    case AdmissionRefusal::kHandshakesMax:
      return "handshakes_max";
    case AdmissionRefusal::kDraining:
      return "draining";
    case AdmissionRefusal::kProtocolError:
      return "protocol_error";
    case AdmissionRefusal::kDescriptors:
      return "descriptors";
    case AdmissionRefusal::kBusy:
      return "busy";
    case AdmissionRefusal::kTlsHandshake:
      return "tls_handshake";
    case AdmissionRefusal::kProxyHeader:
      return "proxy_header";
    case AdmissionRefusal::kOrigin:
      return "origin";
    case AdmissionRefusal::kSessionsPerIpMax:
      return "sessions_per_ip_max";
    case AdmissionRefusal::kRateLimited:
      return "rate_limited";
    case AdmissionRefusal::kCount:
      break;
  }
  return "unknown";
}

}  // namespace longwire
