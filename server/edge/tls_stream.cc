#include "server/edge/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

namespace longwire {

// OpenSSL's view of the two buffers. It never has to wait to write, so an SSL_write always
// takes all it is given and never has to be repeated with the same bytes.
struct TlsStreamBio {
  static TlsStream& Of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* into, size_t bytes_max, size_t* bytes) {
    BIO_clear_retry_flags(bio);
    std::string_view& from = Of(bio).received_;
    if (Of(bio).key_updates_ > TlsStream::kKeyUpdatesMax) return 0;
    if (from.empty()) {
      BIO_set_retry_read(bio);
      return 0;
    }
    *bytes = std::min(bytes_max, from.size());
    std::memcpy(into, from.data(), *bytes);
    from.remove_prefix(*bytes);
    return 1;
  }

  static int Write(BIO* bio, const char* from, size_t bytes_max, size_t* bytes) {
    TlsStream& stream = Of(bio);
    if (stream.pending().size() + bytes_max > TlsStream::kPendingBytesMax) return 0;
    stream.pending_.append(from, bytes_max);
    *bytes = bytes_max;
    return 1;
  }

  static long Control(BIO*, int command, long, void*) {  // NOLINT(google-runtime-int)
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // Called by OpenSSL for each message and record header that it has read or written.
  static void OnMessage(int is_written, int, int type, const void* bytes, size_t count, SSL* ssl,
                        void* stream) {
    if (is_written != 0 || count == 0) return;
    const uint8_t first = *static_cast<const uint8_t*>(bytes);
    const bool is_key_update = type == SSL3_RT_HANDSHAKE && first == SSL3_MT_KEY_UPDATE;
    // TLS 1.2: what OpenSSL answers with no_renegotiation is never a message to it.
    const bool is_renegotiation =
        type == SSL3_RT_HEADER && first == SSL3_RT_HANDSHAKE && SSL_is_init_finished(ssl) != 0;
    uint8_t& key_updates = static_cast<TlsStream*>(stream)->key_updates_;
    if ((is_key_update || is_renegotiation) && key_updates <= TlsStream::kKeyUpdatesMax) {
      ++key_updates;
    }
  }

  static const BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "longwire");
      BIO_meth_set_read_ex(made, Read);
      BIO_meth_set_write_ex(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

TlsStream::TlsStream(SSL* ssl) : ssl_(ssl) {
  BIO* const bio = ssl == nullptr ? nullptr : BIO_new(TlsStreamBio::Method());
  if (bio == nullptr) {
    ssl_.reset();
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  SSL_set_msg_callback(ssl, TlsStreamBio::OnMessage);
  SSL_set_msg_callback_arg(ssl, this);
}

TlsStream::ReadResult TlsStream::Read(std::string_view received, std::span<char> plain) {
  ReadResult result;
  if (ssl_ == nullptr) return {.end = End::kBroken};
  received_ = received;
  while (true) {
    ERR_clear_error();
    size_t bytes = 0;
    const int ok =
        SSL_read_ex(ssl_.get(), plain.data() + result.bytes, plain.size() - result.bytes, &bytes);
    if (ok == 1) {
      result.bytes += bytes;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), ok)) {
      case SSL_ERROR_WANT_READ:
        return result;
      case SSL_ERROR_ZERO_RETURN:
        result.end = End::kClosed;
        return result;
      default:
        result.end = End::kBroken;
        return result;
    }
  }
}

bool TlsStream::Write(std::string_view plain) {
  ERR_clear_error();
  size_t bytes = 0;
  return ssl_ != nullptr && SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &bytes) == 1 &&
         bytes == plain.size();
}

void TlsStream::WriteClose() {
  if (ssl_ == nullptr || SSL_is_init_finished(ssl_.get()) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

void TlsStream::Sent(size_t bytes) {
  sent_ += bytes;
  if (sent_ < pending_.size()) {
    // A peer that is always a little behind would make it grow for ever.
    if (sent_ >= kPendingBytesMax) {
      pending_.erase(0, sent_);
      sent_ = 0;
    }
    return;
  }
  // The memory goes too: most connections have nothing pending most of the time.
  std::string().swap(pending_);
  sent_ = 0;
}

}  // namespace longwire
