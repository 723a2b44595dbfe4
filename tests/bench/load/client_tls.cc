#include "tests/bench/load/client_tls.h"

#include <array>

#include "tests/bench/common/net.h"

namespace longwire::bench {
namespace {

SSL_CTX* Context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    if (made == nullptr) Die("cannot make TLS");
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
    return made;
  }();
  return context;
}

}  // namespace

ClientTls::ClientTls()
    : ssl_(SSL_new(Context())), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  if (ssl_ == nullptr || in_ == nullptr || out_ == nullptr) Die("cannot make TLS");
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
}

std::string ClientTls::Decrypt(std::string_view received) {
  BIO_write(in_, received.data(), static_cast<int>(received.size()));
  std::string plain;
  std::array<char, 16 * 1024> chunk;
  while (true) {
    const int got = SSL_read(ssl_.get(), chunk.data(), static_cast<int>(chunk.size()));
    if (got > 0) {
      plain.append(chunk.data(), static_cast<size_t>(got));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), got);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return plain;
    Die("the server's bytes are no TLS");
  }
}

void ClientTls::Encrypt(std::string_view plain, std::string& out) {
  waiting_ += plain;
  TakeOutput(out);
}

void ClientTls::TakeOutput(std::string& out) {
  if (SSL_is_init_finished(ssl_.get()) == 0) {
    SSL_do_handshake(ssl_.get());
  }
  if (SSL_is_init_finished(ssl_.get()) != 0 && !waiting_.empty()) {
    SSL_write(ssl_.get(), waiting_.data(), static_cast<int>(waiting_.size()));
    waiting_.clear();
    waiting_.shrink_to_fit();
  }
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(out_, &bytes);
  out.append(bytes, static_cast<size_t>(count));
  BIO_reset(out_);
}

}  // namespace longwire::bench
