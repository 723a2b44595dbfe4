#include "server/core/frame_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace longwire {
namespace {

using std::string_literals::operator""s;

TEST(FrameWriter, WritesTheShortestLengthAndItsHeaderMatchesThePromisedSize) {
  struct Case {
    uint64_t payload_bytes;
    std::string header;
  };
  const Case cases[] = {
      {0, "\x82\x00"s},
      {1, "\x82\x01"},
      {125, "\x82\x7D"},
      {126, "\x82\x7E\x00\x7E"s},
      {65535, "\x82\x7E\xFF\xFF"},
      {65536, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s},
      {UINT64_MAX >> 1, "\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
  };
  for (const Case& c : cases) {
    char header[kServerFrameHeaderBytesMax];
    const size_t bytes = WriteFrameHeader(Opcode::kBinary, c.payload_bytes, header);
    EXPECT_EQ(std::string(header, bytes), c.header);
    EXPECT_EQ(FrameHeaderBytes(c.payload_bytes), bytes);
  }
}

TEST(FrameWriter, AppendsTheUnmaskedExampleOfSection5_7) {
  std::string out = "before";
  AppendFrame(out, Opcode::kText, "Hello");
  EXPECT_EQ(out, "before\x81\x05Hello");
}

}  // namespace
}  // namespace longwire
