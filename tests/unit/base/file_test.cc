#include "server/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/certificates.h"

namespace longwire {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

TEST(ReadFile, GivesAllOfAFileWithItsZeros) {
  const TempDir dir;
  const std::string contents("one\0two\n", 8);
  EXPECT_EQ(ReadFile(dir.Write("file", contents), 8).value(), contents);
  EXPECT_EQ(ReadFile(dir.Write("empty", ""), 8).value(), "");
}

TEST(ReadFile, RefusesAFileThatIsTooLargeByName) {
  const TempDir dir;
  const auto read = ReadFile(dir.Write("file", "123456789"), 8);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("/file has more than 8 bytes"));
}

TEST(ReadFile, SaysWhyAFileCannotBeRead) {
  const TempDir dir;
  const auto absent = ReadFile(dir.path() + "/absent", 8);
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.status().message()), HasSubstr("No such file"));
  EXPECT_THAT(std::string(ReadFile(dir.path(), 8).status().message()), HasSubstr("Is a directory"));
}

TEST(ReadFile, DoesNotWaitForAPipeThatNobodyWritesTo) {
  const TempDir dir;
  const std::string path = dir.path() + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(path, 8).value(), "");
}

TEST(FileWatch, SeesNothingWhileNothingChanges) {
  const TempDir dir;
  FileWatch watch({dir.Write("a", "1"), dir.path() + "/absent"});
  EXPECT_FALSE(watch.HasChanged());
  EXPECT_FALSE(watch.HasChanged());
}

TEST(FileWatch, SeesEachChangeOnce) {
  const TempDir dir;
  const std::string a = dir.Write("a", "1");
  const std::string b = dir.Write("b", "1");
  FileWatch watch({a, b});
  dir.Write("b", "2");
  EXPECT_TRUE(watch.HasChanged());
  EXPECT_FALSE(watch.HasChanged());
  std::filesystem::remove(a);
  EXPECT_TRUE(watch.HasChanged());
  dir.Write("a", "1");
  EXPECT_TRUE(watch.HasChanged());
}

TEST(FileWatch, SeesALinkThatLeadsElsewhere) {
  const TempDir dir;
  const std::string link = dir.path() + "/link";
  std::filesystem::create_symlink(dir.Write("old", "1"), link);
  FileWatch watch({link});
  std::filesystem::create_symlink(dir.Write("new", "1"), link + ".new");
  std::filesystem::rename(link + ".new", link);
  EXPECT_TRUE(watch.HasChanged());
}

}  // namespace
}  // namespace longwire
