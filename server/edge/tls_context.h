#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace longwire {

class TlsStream;

// The certificate and the rules of a TLS server: 1.2 and 1.3, ciphers with forward secrecy and
// authenticated encryption only, no renegotiation, no compression, ALPN http/1.1. Any thread.
class TlsContext {
 public:
  // Files in PEM: the certificate with the chain behind it, and its key, which must not be
  // encrypted (nobody is there to type a passphrase). INVALID_ARGUMENT names the file and what is
  // wrong with it.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Load(std::string certificate_file,
                                                          std::string key_file);

  // Reads the files again. Connections that come from now on get the new certificate; those that
  // are there keep what they have. On an error everything stays as it was.
  absl::Status Reload();

  // The server's side of a new connection.
  std::unique_ptr<TlsStream> NewStream() const;

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, FreeContext>;

  TlsContext(std::string certificate_file, std::string key_file, Context context);
  static absl::StatusOr<Context> Make(const std::string& certificate_file,
                                      const std::string& key_file);

  const std::string certificate_file_;
  const std::string key_file_;
  mutable absl::Mutex mutex_;
  Context context_ ABSL_GUARDED_BY(mutex_);
};

// What OpenSSL's queue of errors says of the last failure, in its words; empties the queue.
std::string TakeTlsError();

}  // namespace longwire
