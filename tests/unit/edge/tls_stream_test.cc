#include "server/edge/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <memory>
#include <string>
#include <vector>

#include "server/edge/tls_context.h"
#include "tests/support/certificates.h"

namespace longwire {
namespace {

using End = TlsStream::End;
using test::Authority;
using test::TempDir;

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// A client whose ciphertext a test carries by hand.
class Client {
 public:
  explicit Client(int version = TLS1_3_VERSION) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    ssl_.reset(SSL_new(context));
    SSL_CTX_free(context);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }
  void Receive(std::string_view ciphertext) {
    if (ciphertext.empty()) return;
    BIO_write(SSL_get_rbio(ssl()), ciphertext.data(), static_cast<int>(ciphertext.size()));
  }
  std::string TakeCiphertext() { return TakeAll(SSL_get_wbio(ssl())); }
  void Write(std::string_view plain) {
    ERR_clear_error();
    EXPECT_EQ(SSL_write(ssl(), plain.data(), static_cast<int>(plain.size())),
              static_cast<int>(plain.size()));
  }
  std::string Read() {
    std::string all;
    char buffer[4096];
    ERR_clear_error();
    for (int got; (got = SSL_read(ssl(), buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }
  bool HasSeenClose() { return (SSL_get_shutdown(ssl()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  static std::string TakeAll(BIO* bio) {
    std::string all(static_cast<size_t>(BIO_pending(bio)), '\0');
    if (!all.empty()) BIO_read(bio, all.data(), static_cast<int>(all.size()));
    return all;
  }
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

class TlsStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto pair = Authority().Issue("localhost");
    auto context =
        TlsContext::Load(dir_.Write("cert", pair.certificate), dir_.Write("key", pair.key));
    ASSERT_TRUE(context.ok()) << context.status();
    context_ = *std::move(context);
    stream_ = context_->NewStream();
  }

  // Hands the stream some ciphertext; the plaintext is added to received_.
  End Read(std::string_view ciphertext) {
    std::vector<char> plain(ciphertext.size() + TlsStream::kRecordBytesMax);
    const auto result = stream_->Read(ciphertext, plain);
    received_.append(plain.data(), result.bytes);
    return result.end;
  }
  std::string TakePending() {
    std::string pending(stream_->pending());
    stream_->Sent(pending.size());
    return pending;
  }
  void ShakeHands(Client& client) {
    for (int i = 0; i < 4; ++i) {
      client.Read();
      ASSERT_EQ(Read(client.TakeCiphertext()), End::kNone);
      client.Receive(TakePending());
    }
    client.Read();
    ASSERT_EQ(SSL_is_init_finished(client.ssl()), 1);
  }

  const TempDir dir_;
  std::unique_ptr<TlsContext> context_;
  std::unique_ptr<TlsStream> stream_;
  std::string received_;
};

TEST_F(TlsStreamTest, CarriesBytesBothWays) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    stream_ = context_->NewStream();
    received_.clear();
    Client client(version);
    ShakeHands(client);
    EXPECT_EQ(SSL_version(client.ssl()), version);
    client.Write("to the gateway");
    EXPECT_EQ(Read(client.TakeCiphertext()), End::kNone);
    EXPECT_EQ(received_, "to the gateway");
    ASSERT_TRUE(stream_->Write("to the client"));
    client.Receive(TakePending());
    EXPECT_EQ(client.Read(), "to the client");
  }
}

TEST_F(TlsStreamTest, SpeaksNothingOlderThanTls12) {
  Client client(TLS1_1_VERSION);
  SSL_set_security_level(client.ssl(), 0);
  client.Read();
  EXPECT_EQ(Read(client.TakeCiphertext()), End::kBroken);
  EXPECT_FALSE(stream_->pending().empty()) << "the client is told by an alert";
}

TEST_F(TlsStreamTest, ReadsARecordHoweverItIsCut) {
  Client client;
  ShakeHands(client);
  const std::string sent(20'000, 'x');
  client.Write(sent);
  for (const char byte : client.TakeCiphertext()) ASSERT_EQ(Read({&byte, 1}), End::kNone);
  EXPECT_EQ(received_, sent);
}

TEST_F(TlsStreamTest, GivesAllThatOneReadHoldsAtOnce) {
  Client client;
  ShakeHands(client);
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    client.Write("message");
    sent += "message";
  }
  EXPECT_EQ(Read(client.TakeCiphertext()), End::kNone);
  EXPECT_EQ(received_, sent);
}

TEST_F(TlsStreamTest, HoldsNoCiphertextOnceItIsSent) {
  Client client;
  ShakeHands(client);
  ASSERT_TRUE(stream_->Write(std::string(TlsStream::kRecordBytesMax, 'x')));
  std::string pending(stream_->pending());
  client.Receive(std::string_view(pending).substr(0, 1'000));
  stream_->Sent(1'000);
  EXPECT_EQ(stream_->pending(), std::string_view(pending).substr(1'000));
  client.Receive(TakePending());
  EXPECT_EQ(client.Read().size(), TlsStream::kRecordBytesMax);
  EXPECT_TRUE(stream_->pending().empty());
}

TEST_F(TlsStreamTest, TellsACloseFromBothSides) {
  Client client;
  ShakeHands(client);
  stream_->WriteClose();
  client.Receive(TakePending());
  client.Read();
  EXPECT_TRUE(client.HasSeenClose());
  client.Write("the last word");
  SSL_shutdown(client.ssl());
  EXPECT_EQ(Read(client.TakeCiphertext()), End::kClosed);
  EXPECT_EQ(received_, "the last word");
}

TEST_F(TlsStreamTest, BreaksOnGarbageBeforeAndAfterTheHandshake) {
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), End::kBroken);
  EXPECT_EQ(Read("and it stays broken"), End::kBroken);
  stream_ = context_->NewStream();
  EXPECT_EQ(Read(std::string(100, '\0')), End::kBroken);
  stream_ = context_->NewStream();
  Client client;
  ShakeHands(client);
  client.Write("message");
  std::string ciphertext = client.TakeCiphertext();
  ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
  EXPECT_EQ(Read(ciphertext), End::kBroken);
  EXPECT_EQ(received_, "") << "a record that is not authentic is not read";
  EXPECT_FALSE(stream_->Write("more"));
}

// Each costs as much as 20 KiB of data, whether it wants an answer or not.
TEST_F(TlsStreamTest, BreaksOffWithAClientThatChangesItsKeysAgainAndAgain) {
  for (const int kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    stream_ = context_->NewStream();
    Client client;
    ShakeHands(client);
    int updates = 0;
    End end = End::kNone;
    while (end == End::kNone && updates < 1'000) {
      SSL_key_update(client.ssl(), kind);
      client.Write("x");
      ++updates;
      end = Read(client.TakeCiphertext());
      client.Receive(TakePending());
    }
    EXPECT_EQ(end, End::kBroken);
    EXPECT_EQ(updates, TlsStream::kKeyUpdatesMax + 1);
  }
}

TEST_F(TlsStreamTest, StopsInTheMiddleOfAReadThatIsFullOfKeyChanges) {
  Client client;
  ShakeHands(client);
  for (int i = 0; i < 1'000; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    client.Write("x");
  }
  EXPECT_EQ(Read(client.TakeCiphertext()), End::kBroken);
  EXPECT_LE(received_.size(), size_t{TlsStream::kKeyUpdatesMax} + 1);
}

TEST_F(TlsStreamTest, DoesNotKeepWhatIsSentWhileMoreIsAlwaysPending) {
  Client client;
  ShakeHands(client);
  const std::string record(1'000, 'x');
  ASSERT_TRUE(stream_->Write(record));
  std::string arrived;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(stream_->Write(record));
    const std::string_view pending = stream_->pending();
    arrived += pending.substr(0, pending.size() - 1);
    stream_->Sent(pending.size() - 1);
  }
  arrived += stream_->pending();
  client.Receive(arrived);
  EXPECT_EQ(client.Read().size(), 1'001 * record.size());
}

TEST_F(TlsStreamTest, RefusesAClientThatOffersOtherProtocolsOnly) {
  Client wrong;
  SSL_set_alpn_protos(wrong.ssl(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  wrong.Read();
  EXPECT_EQ(Read(wrong.TakeCiphertext()), End::kBroken);
  stream_ = context_->NewStream();
  Client right;
  SSL_set_alpn_protos(right.ssl(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"),
                      12);
  ShakeHands(right);
  const unsigned char* chosen = nullptr;
  unsigned int bytes = 0;
  SSL_get0_alpn_selected(right.ssl(), &chosen, &bytes);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), bytes), "http/1.1");
}

TEST_F(TlsStreamTest, DoesNotRenegotiate) {
  Client client(TLS1_2_VERSION);
  ShakeHands(client);
  SSL_renegotiate(client.ssl());
  SSL_do_handshake(client.ssl());
  const std::string hello = client.TakeCiphertext();
  ASSERT_FALSE(hello.empty()) << "the client has tried";
  Read(hello);
  // A warning of a few bytes, and not the handshake that was asked for.
  EXPECT_LT(stream_->pending().size(), 100u);
  client.Receive(TakePending());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
}

}  // namespace
}  // namespace longwire
