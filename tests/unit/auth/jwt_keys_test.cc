#include "server/auth/jwt_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/limits.h"
#include "tests/support/jwt_maker.h"

namespace longwire {
namespace {

using test::Base64Url;
using test::JwtMaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr auto kHs256 = JwtAlgorithm::kHs256;
constexpr auto kRs256 = JwtAlgorithm::kRs256;
constexpr auto kEs256 = JwtAlgorithm::kEs256;

const JwtMaker& Rsa() {
  static const JwtMaker maker = JwtMaker::Rs256();
  return maker;
}
const JwtMaker& Ec() {
  static const JwtMaker maker = JwtMaker::Es256();
  return maker;
}

// A secret as it is, a public key as PEM.
std::string TextOf(const JwtKey& key) {
  if (key.public_key == nullptr) return std::string(AsText(key.secret));
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key.public_key.get());
  char* text = nullptr;
  const auto bytes = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(bytes));
  BIO_free(bio);
  return pem;
}

// The keys as text; what is wrong, when something is.
std::vector<std::string> Read(JwtAlgorithm algorithm, std::string_view contents) {
  const auto keys = JwtKeys::Parse(algorithm, contents, "the-file");
  if (!keys.ok()) {
    EXPECT_THAT(std::string(keys.status().message()), StartsWith("the-file: "));
    return {std::string(keys.status().message().substr(10))};
  }
  EXPECT_EQ(keys->algorithm(), algorithm);
  EXPECT_EQ(ERR_peek_error(), 0u) << "an error of OpenSSL was left behind";
  std::vector<std::string> texts;
  for (const JwtKey& key : keys->keys()) texts.push_back(TextOf(key));
  return texts;
}

std::string SetOf(const std::vector<std::string>& jwks) {
  std::string set = R"({"keys":[)";
  for (const std::string& jwk : jwks) set += (set.ends_with('[') ? "" : ",") + jwk;
  return set + "]}";
}

std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, what.size(), with);
}

TEST(JwtKeys, TheFormsOfAPublicKeyAllComeToTheSame) {
  const std::string rsa = Rsa().PublicPem();
  EXPECT_THAT(Read(kRs256, rsa), ElementsAre(rsa));
  EXPECT_THAT(Read(kRs256, Rsa().Pkcs1Pem()), ElementsAre(rsa));
  EXPECT_THAT(Read(kRs256, Rsa().CertificatePem()), ElementsAre(rsa));
  EXPECT_THAT(Read(kRs256, Rsa().Jwk()), ElementsAre(rsa));
  EXPECT_THAT(Read(kRs256, SetOf({Rsa().Jwk()})), ElementsAre(rsa));
  const std::string ec = Ec().PublicPem();
  EXPECT_THAT(Read(kEs256, ec), ElementsAre(ec));
  EXPECT_THAT(Read(kEs256, Ec().CertificatePem()), ElementsAre(ec));
  EXPECT_THAT(Read(kEs256, Ec().Jwk()), ElementsAre(ec));
  EXPECT_THAT(Read(kEs256, "\n " + SetOf({Ec().Jwk()}) + "\n"), ElementsAre(ec));
}

TEST(JwtKeys, APemFileMayHoldManyBlocksWithTextAroundThem) {
  const JwtMaker other = JwtMaker::Rs256();
  EXPECT_THAT(Read(kRs256, "the old key\n" + Rsa().PublicPem() + "\nthe new one\n" +
                               other.CertificatePem() + "the end"),
              ElementsAre(Rsa().PublicPem(), other.PublicPem()));
  std::string crlf;
  for (const char c : Rsa().PublicPem()) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_THAT(Read(kRs256, crlf), ElementsAre(Rsa().PublicPem()));
}

TEST(JwtKeys, ASetsKeysForSomethingElseArePassedOver) {
  const JwtMaker secret = JwtMaker::Hs256("not for RS256");
  const std::vector<std::string> jwks = {secret.Jwk(),
                                         Ec().Jwk(),
                                         Rsa().Jwk(R"("use":"enc",)"),
                                         Rsa().Jwk(R"("alg":"RS512",)"),
                                         Rsa().Jwk(R"("alg":7,)"),
                                         R"({"kty":"OKP","crv":"Ed25519","x":"AA"})",
                                         R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})",
                                         R"({})",
                                         Rsa().Jwk(R"("use":"sig","alg":"RS256",)")};
  EXPECT_THAT(Read(kRs256, SetOf(jwks)), ElementsAre(Rsa().PublicPem()));
  EXPECT_THAT(Read(kEs256, SetOf(jwks)), ElementsAre(Ec().PublicPem()));
  EXPECT_THAT(Read(kHs256, SetOf(jwks)), ElementsAre("not for RS256"));
}

TEST(JwtKeys, ASetWithoutAUsableKeyIsWrong) {
  EXPECT_THAT(Read(kEs256, SetOf({Rsa().Jwk(), Rsa().Jwk()})),
              ElementsAre("none of the 2 keys is for ES256"));
  EXPECT_THAT(Read(kEs256, SetOf({})), ElementsAre("none of the 0 keys is for ES256"));
  EXPECT_THAT(Read(kEs256, Rsa().Jwk()),
              ElementsAre("it is neither a JWK Set nor a JWK for ES256"));
  EXPECT_THAT(Read(kEs256, "{}"), ElementsAre("it is neither a JWK Set nor a JWK for ES256"));
}

TEST(JwtKeys, SecretsComeOneALineAndWithAllTheirBytes) {
  EXPECT_THAT(Read(kHs256, "one"), ElementsAre("one"));
  EXPECT_THAT(Read(kHs256, "one\n"), ElementsAre("one"));
  EXPECT_THAT(Read(kHs256, "one\r\ntwo\r\n"), ElementsAre("one", "two"));
  EXPECT_THAT(Read(kHs256, " one \n\ttwo"), ElementsAre(" one ", "\ttwo"));
  const std::string raw("a\0\xFF\rb", 5);
  EXPECT_THAT(Read(kHs256, raw + "\n"), ElementsAre(raw));
  EXPECT_THAT(Read(kHs256, JwtMaker::Hs256(raw).Jwk()), ElementsAre(raw));
}

TEST(JwtKeys, AnEmptySecretIsRefused) {
  EXPECT_THAT(Read(kHs256, ""), ElementsAre("it is empty"));
  EXPECT_THAT(Read(kHs256, "\n"), ElementsAre("line 1 is empty, and so would be the secret"));
  EXPECT_THAT(Read(kHs256, "one\n\r\ntwo"),
              ElementsAre("line 2 is empty, and so would be the secret"));
  EXPECT_THAT(Read(kHs256, R"({"kty":"oct","k":""})"), ElementsAre("the key is an empty secret"));
}

TEST(JwtKeys, PemIsNoSecret) {
  const std::string why =
      "it holds PEM, and HS256 needs secrets: with a public key as the secret everybody could sign";
  EXPECT_THAT(Read(kHs256, Rsa().PublicPem()), ElementsAre(why));
  EXPECT_THAT(Read(kHs256, "one\n" + Ec().PrivatePem()), ElementsAre(why));
}

TEST(JwtKeys, PrivateKeysAreRefused) {
  EXPECT_THAT(
      Read(kRs256, Rsa().PrivatePem()),
      ElementsAre("block 1 is a private key, which only who issues tokens should have: give "
                  "the public key"));
  EXPECT_THAT(Read(kEs256, Ec().PublicPem() + Ec().PrivatePem()),
              ElementsAre(StartsWith("block 2 is a private key")));
  EXPECT_THAT(Read(kRs256, Replaced(Replaced(Rsa().PrivatePem(), "PRIVATE", "ENCRYPTED PRIVATE"),
                                    "END PRIVATE", "END ENCRYPTED PRIVATE")),
              ElementsAre(StartsWith("block 1 is a private key")));
  EXPECT_THAT(Read(kRs256, SetOf({Rsa().Jwk(R"("d":"AQ",)")})),
              ElementsAre(StartsWith("key 1 is a private key (it has a d)")));
}

TEST(JwtKeys, WeakOrWrongPublicKeysAreRefused) {
  const std::string small = "is an RSA key of 1024 bits; RS256 needs 2048";
  const JwtMaker rsa = JwtMaker::Rs256(1024);
  EXPECT_THAT(Read(kRs256, rsa.PublicPem()), ElementsAre("block 1 " + small));
  EXPECT_THAT(Read(kRs256, rsa.Jwk()), ElementsAre("the key " + small));
  EXPECT_THAT(Read(kRs256, SetOf({Rsa().Jwk(), rsa.Jwk()})), ElementsAre("key 2 " + small));
  EXPECT_THAT(Read(kRs256, Ec().PublicPem()),
              ElementsAre("block 1 is no RSA key, which RS256 needs"));
  const std::string curve = "block 1 is no key on P-256, which ES256 needs";
  EXPECT_THAT(Read(kEs256, Rsa().PublicPem()), ElementsAre(curve));
  EXPECT_THAT(Read(kEs256, JwtMaker::Es256("secp384r1").PublicPem()), ElementsAre(curve));
  EXPECT_THAT(Read(kEs256, JwtMaker::Es256("secp256k1").PublicPem()), ElementsAre(curve));
  // With 1 as the exponent every message is its own signature.
  EXPECT_THAT(Read(kRs256, Replaced(Rsa().Jwk(), R"("e":"AQAB")", R"("e":"AQ")")),
              ElementsAre("the key is not a sound public key"));
}

TEST(JwtKeys, BrokenJwksAreToldPrecisely) {
  struct Row {
    JwtAlgorithm algorithm;
    std::string contents;
    const char* wrong;
  };
  const std::string thirty_two = Base64Url(std::string(32, 'x'));
  const std::string ec = R"({"kty":"EC","crv":"P-256","x":")";
  const char* const kNoSet = "it is neither a JWK Set nor a JWK for RS256";
  const Row rows[] = {
      {kRs256, "{", "it begins with '{' and is not JSON"},
      {kRs256, "{} {}", "it begins with '{' and is not JSON"},
      {kHs256, "{secret", "it begins with '{' and is not JSON"},
      {kRs256, R"({"kty":"RSA","kty":"EC"})", "it begins with '{' and has a member twice"},
      {kRs256, R"({"a":)" + std::string(100'000, '['),
       "it begins with '{' and is nested too deeply"},
      {kRs256, R"({"keys":{}})", "\"keys\" is not an array"},
      {kRs256, R"({"keys":[7]})", "key 1 is not an object"},
      {kRs256, R"({"kty":"oct"})", kNoSet},
      {kRs256, R"({"kty":7})", kNoSet},
      {kRs256, R"({"kty":"RSA"})", "the key has no n and e in base64url (RFC 7518 6.3.1)"},
      {kRs256, R"({"kty":"RSA","n":7,"e":"AQAB"})",
       "the key has no n and e in base64url (RFC 7518 6.3.1)"},
      {kRs256, R"({"kty":"RSA","n":"A+==","e":"AQAB"})",
       "the key has no n and e in base64url (RFC 7518 6.3.1)"},
      {kRs256, Rsa().Jwk(R"("kid":7,)"), "the key has a kid that is not a string"},
      {kEs256, R"({"kty":"EC","crv":"P-256"})",
       "the key has no x and y of 32 bytes each in base64url (RFC 7518 6.2.1)"},
      {kEs256, ec + "eHg\",\"y\":\"" + thirty_two + "\"}",
       "the key has no x and y of 32 bytes each in base64url (RFC 7518 6.2.1)"},
      {kEs256, ec + thirty_two + "\",\"y\":\"" + thirty_two + "\"}",
       "the key is not a sound public key"},
      {kHs256, R"({"kty":"oct"})", "the key has no k in base64url (RFC 7518 6.4.1)"},
      {kHs256, R"({"kty":"oct","k":"a b"})", "the key has no k in base64url (RFC 7518 6.4.1)"},
  };
  for (const Row& row : rows) {
    EXPECT_THAT(Read(row.algorithm, row.contents), ElementsAre(row.wrong))
        << row.contents.substr(0, 100);
  }
}

TEST(JwtKeys, BrokenPemIsToldPrecisely) {
  const std::string pem = Rsa().PublicPem();
  EXPECT_THAT(Read(kRs256, pem.substr(0, pem.size() / 2)),
              ElementsAre("block 1 is not whole, or not base64"));
  EXPECT_THAT(Read(kRs256, pem + Replaced(pem, "\nM", "\n!")),
              ElementsAre("block 2 is not whole, or not base64"));
  EXPECT_THAT(Read(kRs256, "-----BEGIN "), ElementsAre("has no whole block of PEM"));
  EXPECT_THAT(Read(kRs256, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
              ElementsAre("block 1 cannot be read as what it says it is"));
  EXPECT_THAT(Read(kRs256, "-----BEGIN X-----\nAAAA\n-----END X-----\n"),
              ElementsAre("block 1 is neither a PUBLIC KEY, an RSA PUBLIC KEY nor a CERTIFICATE"));
  EXPECT_THAT(Read(kRs256, "neither"), ElementsAre("it is neither JSON nor PEM"));
  EXPECT_THAT(Read(kRs256, ""), ElementsAre("it is neither JSON nor PEM"));
}

TEST(JwtKeys, SixteenKeysAreTheMost) {
  std::string secrets;
  for (int i = 0; i < 16; ++i) secrets += "secret\n";
  EXPECT_EQ(Read(kHs256, secrets).size(), kJwtKeysMax);
  EXPECT_THAT(Read(kHs256, secrets + "x"), ElementsAre("there are more than 16 keys"));
  EXPECT_THAT(Read(kEs256, SetOf(std::vector<std::string>(17, Ec().Jwk()))),
              ElementsAre("there are more than 16 keys"));
  std::string pem;
  for (int i = 0; i < 17; ++i) pem += Ec().PublicPem();
  EXPECT_THAT(Read(kEs256, pem), ElementsAre("there are more than 16 keys"));
  EXPECT_THAT(Read(kHs256, std::string(kJwtKeyFileBytesMax + 1, 'x')),
              ElementsAre("it is larger than 256 KiB"));
  EXPECT_THAT(Read(kHs256, std::string(kJwtKeyFileBytesMax, 'x')),
              ElementsAre(std::string(kJwtKeyFileBytesMax, 'x')));
}

TEST(JwtKeys, ShortSecretsAreKnown) {
  const auto is_short = [](std::string_view contents) {
    return JwtKeys::Parse(kHs256, contents, "the-file")->has_short_secret();
  };
  const std::string good(32, 'x');
  EXPECT_FALSE(is_short(good));
  EXPECT_TRUE(is_short(good.substr(1)));
  EXPECT_TRUE(is_short(good + "\nshort\n" + good));
  EXPECT_FALSE(JwtKeys::Parse(kEs256, Ec().Jwk(), "the-file")->has_short_secret());
}

TEST(JwtKeys, ATokensKidChoosesTheKeys) {
  const auto jwk = [](const std::string& secret, const std::string& members) {
    return JwtMaker::Hs256(secret).Jwk(members);
  };
  const auto candidates = [](const std::vector<std::string>& jwks,
                             const std::optional<std::string>& kid) {
    const auto keys = JwtKeys::Parse(kHs256, SetOf(jwks), "the-file");
    std::vector<std::string> secrets;
    for (const JwtKey* key : keys->Candidates(kid)) secrets.push_back(TextOf(*key));
    return secrets;
  };
  const std::vector<std::string> mixed = {jwk("1", R"("kid":"a",)"), jwk("2", R"("kid":"b",)"),
                                          jwk("3", ""), jwk("4", R"("kid":"a",)"),
                                          jwk("5", R"("kid":"",)")};
  EXPECT_THAT(candidates(mixed, "a"), ElementsAre("1", "4"));
  EXPECT_THAT(candidates(mixed, "b"), ElementsAre("2"));
  EXPECT_THAT(candidates(mixed, ""), ElementsAre("5"));
  EXPECT_THAT(candidates(mixed, "A"), ElementsAre("3"));
  EXPECT_THAT(candidates(mixed, std::nullopt), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(candidates({mixed[0]}, "b"), IsEmpty());
}

TEST(JwtKeys, LoadsTheKeysOfAllFilesAndNamesTheOneThatIsWrong) {
  const std::string stem = testing::TempDir() + "jwt-keys-" + std::to_string(::getpid());
  const auto write = [&](const std::string& name, const std::string& contents) {
    std::ofstream(stem + name, std::ios::binary) << contents;
    return stem + name;
  };
  const std::string first = write("-1", "one\n");
  const std::string second = write("-2", "two\nthree\n");
  const std::string broken = write("-3", "{");
  const std::string large = write("-4", std::string(kJwtKeyFileBytesMax + 5, 'x'));
  const auto load = [](const std::vector<std::string>& files) {
    const auto keys = JwtKeys::Load(kHs256, files);
    if (!keys.ok()) return std::string(keys.status().message());
    return std::to_string(keys->keys().size()) + " keys";
  };
  EXPECT_EQ(load({first, second}), "3 keys");
  EXPECT_EQ(load({first, broken}), broken + ": it begins with '{' and is not JSON");
  EXPECT_EQ(load({large}), large + ": it is larger than 256 KiB");
  EXPECT_EQ(load({stem}), stem + ": it cannot be opened: No such file or directory");
  EXPECT_EQ(load({testing::TempDir()}), testing::TempDir() + ": it cannot be read: Is a directory");
  EXPECT_EQ(load({}), "no file with keys is named");
  EXPECT_EQ(load(std::vector<std::string>(9, second)), second + ": there are more than 16 keys");
  for (const std::string& file : {first, second, broken, large}) std::remove(file.c_str());
}

TEST(JwtKeys, NoErrorShowsWhatIsInTheFile) {
  for (const std::string contents :
       {R"({"kty":"oct","k":"c2VjcmV0!"})", R"({"kty":"oct","kid":7,"k":"c2VjcmV0"})", "{secret"}) {
    for (const std::string& said : Read(kHs256, contents)) {
      EXPECT_THAT(said, testing::Not(HasSubstr("c2VjcmV0")));
      EXPECT_THAT(said, testing::Not(HasSubstr("secret\"")));
    }
  }
}

}  // namespace
}  // namespace longwire
