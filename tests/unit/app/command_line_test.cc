#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "server/app/options.h"

namespace longwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Runs ParseCommandLine with these flags and variables and a file of options; what was set is unset
// again.
class CommandLine : public testing::Test {
 protected:
  ~CommandLine() override {
    for (const std::string& name : variables_) unsetenv(name.c_str());
    if (!file_.empty()) unlink(file_.c_str());
  }

  void SetVariable(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    variables_.push_back(name);
  }
  // Writes the file and returns the flag that names it.
  std::string WithFile(const std::string& text) {
    file_ = testing::TempDir() + "/longwire-options-" + std::to_string(getpid());
    std::ofstream(file_) << text;
    return "--config=" + file_;
  }
  CommandLineResult Parse(std::vector<std::string> flags) {
    flags.insert(flags.begin(), "longwire-gateway");
    std::vector<const char*> argv;
    for (const std::string& flag : flags) argv.push_back(flag.c_str());
    options_ = Options();
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const CommandLineResult result =
        ParseCommandLine(static_cast<int>(argv.size()), argv.data(), options_);
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return result;
  }

  Options options_;
  std::string output_, errors_;

 private:
  std::vector<std::string> variables_;
  std::string file_;
};

TEST_F(CommandLine, WithoutAnythingTheDefaultsStand) {
  ASSERT_EQ(Parse({}), CommandLineResult::kRun);
  const Options defaults;
  EXPECT_EQ(options_.ws_listen, defaults.ws_listen);
  EXPECT_EQ(options_.keepalive_timeout_millis, defaults.keepalive_timeout_millis);
  EXPECT_EQ(options_.duplicate_login, defaults.duplicate_login);
  EXPECT_FALSE(options_.auth_is_explicit);
}

TEST_F(CommandLine, EveryKindOfFlagIsRead) {
  ASSERT_EQ(Parse({"--ws-listen=127.0.0.1:0",
                   "--ws-path",
                   "/ws",
                   "--ws-subprotocols=chat.v1,chat.v2",
                   "--protocol=command",
                   "--auth=grpc",
                   "--auth-at=message",
                   "--authenticator-address=127.0.0.1:1",
                   "--auth-timeout=2s",
                   "--duplicate-login=reject-new",
                   "--demo",
                   "--keepalive-timeout=0",
                   "--message-bytes-max=1KiB",
                   "--sessions-max=12",
                   "--grpc-insecure",
                   "--threads=3",
                   "--node-id=7",
                   "--epoch=2020-01-01",
                   "--log-format=json",
                   "--log-level=warn"}),
            CommandLineResult::kRun)
      << errors_;
  EXPECT_EQ(options_.ws_listen, "127.0.0.1:0");
  EXPECT_EQ(options_.ws_path, "/ws");
  EXPECT_THAT(options_.ws_subprotocols, ElementsAre("chat.v1", "chat.v2"));
  EXPECT_EQ(options_.protocol, ProtocolKind::kCommand);
  EXPECT_EQ(options_.auth, AuthKind::kGrpc);
  EXPECT_TRUE(options_.auth_is_explicit);
  EXPECT_EQ(options_.auth_at, AuthAt::kMessage);
  EXPECT_EQ(options_.auth_timeout_millis, 2'000);
  EXPECT_EQ(options_.duplicate_login, DuplicateLogin::kRejectNew);
  EXPECT_TRUE(options_.demo);
  EXPECT_EQ(options_.keepalive_timeout_millis, 0);
  EXPECT_EQ(options_.message_bytes_max, 1'024u);
  EXPECT_EQ(options_.sessions_max, 12u);
  EXPECT_TRUE(options_.grpc_insecure);
  EXPECT_EQ(options_.threads, 3u);
  EXPECT_EQ(options_.node_id, 7u);
  EXPECT_EQ(options_.epoch, "2020-01-01");
  EXPECT_EQ(options_.log_format, LogFormat::kJson);
  EXPECT_EQ(options_.log_level, "warn");
}

TEST_F(CommandLine, AVariableSetsWhatItsFlagDoes) {
  SetVariable("LONGWIRE_WS_LISTEN", "127.0.0.1:0");
  SetVariable("LONGWIRE_KEEPALIVE_TIMEOUT", "5m");
  SetVariable("LONGWIRE_DUPLICATE_LOGIN", "allow");
  SetVariable("LONGWIRE_WS_SUBPROTOCOLS", "a,b");
  SetVariable("LONGWIRE_DEMO", "true");
  SetVariable("LONGWIRE_AUTH", "none");
  ASSERT_EQ(Parse({}), CommandLineResult::kRun) << errors_;
  EXPECT_EQ(options_.ws_listen, "127.0.0.1:0");
  EXPECT_EQ(options_.keepalive_timeout_millis, 300'000);
  EXPECT_EQ(options_.duplicate_login, DuplicateLogin::kAllow);
  EXPECT_THAT(options_.ws_subprotocols, ElementsAre("a", "b"));
  EXPECT_TRUE(options_.demo);
  EXPECT_TRUE(options_.auth_is_explicit);
}

TEST_F(CommandLine, AKeyOfTheFileSetsWhatItsFlagDoes) {
  ASSERT_EQ(Parse({WithFile("# the edge\nws-listen=\"127.0.0.1:0\"\nkeepalive-timeout=5m\n"
                            "duplicate-login=allow\ndemo=true\nsessions-max=9\nauth=none\n"
                            "ws-subprotocols=[\"a\",\"b\"]\n")}),
            CommandLineResult::kRun)
      << errors_;
  EXPECT_EQ(options_.ws_listen, "127.0.0.1:0");
  EXPECT_EQ(options_.keepalive_timeout_millis, 300'000);
  EXPECT_EQ(options_.duplicate_login, DuplicateLogin::kAllow);
  EXPECT_TRUE(options_.demo);
  EXPECT_EQ(options_.sessions_max, 9u);
  EXPECT_TRUE(options_.auth_is_explicit);
  EXPECT_THAT(options_.ws_subprotocols, ElementsAre("a", "b"));
}

TEST_F(CommandLine, TheFileMayBeNamedByAVariable) {
  const std::string flag = WithFile("sessions-max=9\n");
  SetVariable("LONGWIRE_CONFIG", flag.substr(flag.find('=') + 1));
  ASSERT_EQ(Parse({}), CommandLineResult::kRun) << errors_;
  EXPECT_EQ(options_.sessions_max, 9u);
}

TEST_F(CommandLine, AFlagWinsOverTheVariable) {
  SetVariable("LONGWIRE_SESSIONS_MAX", "2");
  ASSERT_EQ(Parse({"--sessions-max=1"}), CommandLineResult::kRun);
  EXPECT_EQ(options_.sessions_max, 1u);
}

TEST_F(CommandLine, AFlagWinsOverTheFile) {
  ASSERT_EQ(Parse({WithFile("sessions-max=3\n"), "--sessions-max=1"}), CommandLineResult::kRun);
  EXPECT_EQ(options_.sessions_max, 1u);
}

TEST_F(CommandLine, AVariableWinsOverTheFile) {
  SetVariable("LONGWIRE_SESSIONS_MAX", "2");
  SetVariable("LONGWIRE_KEEPALIVE_TIMEOUT", "2s");
  ASSERT_EQ(Parse({WithFile("sessions-max=3\nkeepalive-timeout=3s\n")}), CommandLineResult::kRun);
  EXPECT_EQ(options_.sessions_max, 2u);
  EXPECT_EQ(options_.keepalive_timeout_millis, 2'000);
}

TEST_F(CommandLine, WhatIsUnknownIsAnErrorThatNamesIt) {
  EXPECT_EQ(Parse({"--ws-lisen=127.0.0.1:0"}), CommandLineResult::kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("--ws-lisen"));
  EXPECT_EQ(Parse({"stray"}), CommandLineResult::kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("stray"));
  EXPECT_EQ(Parse({WithFile("ws-lisen=x\n")}), CommandLineResult::kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("ws-lisen"));
}

TEST_F(CommandLine, ABadValueIsAnErrorThatNamesTheFlag) {
  const std::pair<const char*, const char*> rows[] = {
      {"--keepalive-timeout=soon", "--keepalive-timeout"},
      {"--message-bytes-max=large", "--message-bytes-max"},
      {"--threads=many", "--threads"},
      {"--threads=-1", "--threads"},
      {"--sessions-max=1.5", "--sessions-max"},
      {"--node-id=99999999999", "--node-id"},
      {"--auth=password", "--auth"},
      {"--duplicate-login=kick", "--duplicate-login"},
      {"--log-format=xml", "--log-format"},
      {"--handshake-timeout=1ms", "--handshake-timeout"},  // By ValidateOptions.
      {"--ws-listen=nowhere", "--ws-listen"},
      {"--ws-path", "--ws-path"},  // Without a value.
  };
  for (const auto& [flag, name] : rows) {
    EXPECT_EQ(Parse({flag}), CommandLineResult::kExitUsage) << flag;
    EXPECT_THAT(errors_, HasSubstr(name)) << flag;
  }
  SetVariable("LONGWIRE_THREADS", "many");
  EXPECT_EQ(Parse({}), CommandLineResult::kExitUsage);
}

TEST_F(CommandLine, AnEmptyValueIsAValue) {
  ASSERT_EQ(Parse({"--admin-listen=", "--sessions-max=3"}), CommandLineResult::kRun) << errors_;
  EXPECT_EQ(options_.admin_listen, "");
  EXPECT_EQ(options_.sessions_max, 3u);
  ASSERT_EQ(Parse({"--admin-listen", ""}), CommandLineResult::kRun) << errors_;
  EXPECT_EQ(options_.admin_listen, "");
}

// Whether there is one is for Gateway::Start to see, which knows the program's own providers.
TEST_F(CommandLine, AskingTheFirstMessageIsLeftToAProviderOfTheProgram) {
  EXPECT_EQ(Parse({"--auth-at=message"}), CommandLineResult::kRun);
}

// Image builders like to set such variables.
TEST_F(CommandLine, AVersionInTheEnvironmentAsksForNothing) {
  SetVariable("LONGWIRE_VERSION", "1.2.3");
  EXPECT_EQ(Parse({}), CommandLineResult::kRun);
}

TEST_F(CommandLine, AFileThatIsNotThereIsAnError) {
  EXPECT_EQ(Parse({"--config=/nonexistent/longwire.conf"}), CommandLineResult::kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("/nonexistent/longwire.conf"));
}

TEST_F(CommandLine, CheckConfigChecksAndDoesNotRun) {
  EXPECT_EQ(Parse({"--check-config"}), CommandLineResult::kExitOk);
  EXPECT_NE(output_, "");
  EXPECT_EQ(Parse({"--check-config", "--threads=65"}), CommandLineResult::kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("--threads"));
}

TEST_F(CommandLine, HelpAndVersionArePrintedAndDoNotRun) {
  EXPECT_EQ(Parse({"--help"}), CommandLineResult::kExitOk);
  for (const char* part : {"--ws-listen", "--grpc-listen", "--admin-listen", "--drain-period",
                           "127.0.0.1:8080", "allow|kick-old|reject-new", "--config"}) {
    EXPECT_THAT(output_, HasSubstr(part));
  }
  EXPECT_EQ(Parse({"--version"}), CommandLineResult::kExitOk);
  EXPECT_THAT(output_, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace longwire
