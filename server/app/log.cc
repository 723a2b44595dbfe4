#include "server/app/log.h"

#include <grpc/support/log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <memory>
#include <string_view>

#include "server/base/log_limiter.h"

namespace longwire {
namespace {

// The message as a JSON string: spdlog's own %v does not escape.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text = boost::json::serialize(
        boost::json::string(std::string_view(message.payload.data(), message.payload.size())));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// What gRPC has to say - a handshake that fails, mostly - in our form. Callers can cause as much of
// it as they like.
void LogOfGrpc(gpr_log_func_args* args) {
  static LogLimiter limiter;
  if (args->severity != GPR_LOG_SEVERITY_ERROR) {
    spdlog::debug("gRPC: {}", args->message);
  } else if (const auto left_out = limiter.Allow()) {
    spdlog::warn("gRPC: {} ({} such lines were left out)", args->message, *left_out);
  }
}

}  // namespace

void SetUpLog(const Options& options) {
  auto logger = std::make_shared<spdlog::logger>("longwire",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(options.log_level));
  logger->flush_on(spdlog::level::info);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonMessage>('*');
  formatter->set_pattern(options.log_format == LogFormat::kJson
                             ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
                             : "%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogOfGrpc);
}

}  // namespace longwire
