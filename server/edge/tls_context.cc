#include "server/edge/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <cstring>
#include <utility>

#include "server/edge/tls_stream.h"

namespace longwire {
namespace {

// Only for TLS 1.2; all of TLS 1.3's are like these.
constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kAlpnHttp11[] = "\x08http/1.1";

// Without it OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) {
  return 0;
}

// A client that offers ALPN and not http/1.1 could not speak WebSocket with us (RFC 7301 3.2).
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                   const unsigned char* offered, unsigned int offered_bytes, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_bytes, kAlpnHttp11, sizeof(kAlpnHttp11) - 1, offered,
                            offered_bytes) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void SetRules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kTls12Ciphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // A connection that is silent holds no record buffers: 8 of 23 KB.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // Clients that come back resume with a ticket, of which the gateway keeps nothing.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, NoPassphrase);
}

}  // namespace

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

absl::StatusOr<TlsContext::Context> TlsContext::Make(const std::string& certificate_file,
                                                     const std::string& key_file) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  SetRules(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return absl::InvalidArgumentError(
        fmt::format("{} is no certificate in PEM: {}", certificate_file, TakeTlsError()));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return absl::InvalidArgumentError(
        fmt::format("{} is no unencrypted key in PEM that belongs to {}: {}", key_file,
                    certificate_file, TakeTlsError()));
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not the key of {}: {}", key_file, certificate_file, TakeTlsError()));
  }
  return context;
}

TlsContext::TlsContext(std::string certificate_file, std::string key_file, Context context)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      context_(std::move(context)) {}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Load(std::string certificate_file,
                                                             std::string key_file) {
  auto context = Make(certificate_file, key_file);
  if (!context.ok()) return context.status();
  return std::unique_ptr<TlsContext>(
      new TlsContext(std::move(certificate_file), std::move(key_file), *std::move(context)));
}

absl::Status TlsContext::Reload() {
  auto context = Make(certificate_file_, key_file_);
  if (!context.ok()) return context.status();
  absl::MutexLock lock(&mutex_);
  context_ = *std::move(context);
  return absl::OkStatus();
}

std::unique_ptr<TlsStream> TlsContext::NewStream() const {
  absl::MutexLock lock(&mutex_);
  // The connection holds the context, so a reload takes nothing away from it.
  return std::make_unique<TlsStream>(SSL_new(context_.get()));
}

}  // namespace longwire
