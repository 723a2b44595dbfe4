#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace longwire {

// The TLS of one connection, between its socket and its bytes: ciphertext in, plaintext out, and
// back. It knows no socket: what it has to say to the peer is pending() until the owner has sent
// it, handshake and alerts included. One thread.
//
// An idle one holds OpenSSL's state and no buffer. A peer that sends half a record, or does not
// read, makes it hold one record of at most 16 KiB. What a peer can ask for without saying anything
// has bounds, and beyond them it is broken: kKeyUpdatesMax, kPendingBytesMax. What it can announce
// with its first bytes is for CheckClientHello to bound, before a stream is made.
class TlsStream {
 public:
  // Takes the SSL, which must be new. Null stands for "no memory": the stream is broken then.
  explicit TlsStream(SSL* ssl);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Most plaintext that goes into one record.
  static constexpr size_t kRecordBytesMax = SSL3_RT_MAX_PLAIN_LENGTH;
  static constexpr size_t kPendingBytesMax = 64 * 1024;
  // Of one connection. Each costs as much as 20 KiB of data, and a peer has a reason for one after
  // some 2^24 records (RFC 8446 5.5). Attempts to renegotiate count as well.
  static constexpr int kKeyUpdatesMax = 64;

  enum class End : uint8_t {
    kNone,    // Go on.
    kClosed,  // The peer has said that it sends nothing more.
    kBroken,  // Garbage, or a handshake that failed. An alert for the peer may be pending.
  };
  struct ReadResult {
    size_t bytes = 0;  // Of `plain`, also when the end came behind them.
    End end = End::kNone;
  };
  // Takes all of `received` and decrypts what is complete of it into `plain`.
  // REQUIRES: plain.size() >= received.size() + kRecordBytesMax.
  ReadResult Read(std::string_view received, std::span<char> plain);

  // Encrypts `plain`, of which nothing is left over: it is pending then. False when broken.
  // REQUIRES: the handshake is complete, which it is once Read has given plaintext, and
  // plain.size() <= kRecordBytesMax.
  [[nodiscard]] bool Write(std::string_view plain);

  // Tells the peer that nothing more comes (close_notify), if the handshake is complete.
  void WriteClose();

  // Ciphertext for the peer, in order; Sent takes what went from its front.
  std::string_view pending() const { return std::string_view(pending_).substr(sent_); }
  void Sent(size_t bytes);

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  friend struct TlsStreamBio;

  // What OpenSSL has to read from, while Read runs.
  std::string_view received_;
  uint8_t key_updates_ = 0;
  std::string pending_;
  size_t sent_ = 0;  // Of pending_, from its front.
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace longwire
