#include "server/core/hash.h"

#include <gtest/gtest.h>

namespace longwire {
namespace {

// Its authors' test vectors: nodes of different builds have to agree.
TEST(Fnv1a, HasTheValuesThatItsAuthorsPublish) {
  EXPECT_EQ(Fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(Fnv1a("foobar"), 0x85944171f73967e8u);
  EXPECT_NE(Fnv1a("\xff"), Fnv1a("\x7f")) << "bytes are unsigned";
}

}  // namespace
}  // namespace longwire
