#include "server/edge/client_hello.h"

#include <gtest/gtest.h>

#include <string>

namespace longwire {
namespace {

using enum ClientHelloCheck;

// A record that holds a message of this type and size, or as much of it as there is room for.
std::string Record(char message_type, size_t message_bytes, size_t record_bytes) {
  std::string record("\x16\x03\x01", 3);
  record += static_cast<char>(record_bytes >> 8);
  record += static_cast<char>(record_bytes);
  record += message_type;
  for (const int shift : {16, 8, 0}) record += static_cast<char>(message_bytes >> shift);
  record.resize(5 + record_bytes, 'x');
  return record;
}

TEST(ClientHello, IsCompleteOnceItsRecordIs) {
  const std::string hello = Record('\x01', 508, 512);
  for (size_t bytes = 0; bytes < hello.size(); ++bytes) {
    EXPECT_EQ(CheckClientHello(hello.substr(0, bytes)), kNeedMore) << bytes;
  }
  EXPECT_EQ(CheckClientHello(hello), kComplete);
  EXPECT_EQ(CheckClientHello(hello + "more"), kComplete);
}

TEST(ClientHello, MayGoOnInFurtherRecords) {
  EXPECT_EQ(CheckClientHello(Record('\x01', 2'000, 512)), kComplete);
}

TEST(ClientHello, IsNothingElseFromTheFirstByteOn) {
  EXPECT_EQ(CheckClientHello("G"), kRefused);
  EXPECT_EQ(CheckClientHello(std::string(1, '\0')), kRefused);
  EXPECT_EQ(CheckClientHello("\x80"), kRefused) << "SSL 2";
  EXPECT_EQ(CheckClientHello("\x17\x03\x03"), kRefused) << "data";
  EXPECT_EQ(CheckClientHello(Record('\x02', 508, 512)), kRefused) << "a ServerHello";
}

TEST(ClientHello, IsRefusedWhenItAnnouncesMoreThanAnyClientSends) {
  EXPECT_EQ(CheckClientHello(Record('\x01', 16'384, 512)), kComplete);
  EXPECT_EQ(CheckClientHello(Record('\x01', 16'385, 512).substr(0, 9)), kRefused);
  EXPECT_EQ(CheckClientHello(std::string("\x16\x03\x01\x00\x04\x01\x02\x01\x40", 9)), kRefused);
  EXPECT_EQ(CheckClientHello(std::string("\x16\x03\x01\x00\x03", 5)), kRefused)
      << "a record without room for a message's header";
  EXPECT_EQ(CheckClientHello(std::string("\x16\x03\x01\x40\x01", 5)), kRefused)
      << "a record that is larger than records are";
}

}  // namespace
}  // namespace longwire
