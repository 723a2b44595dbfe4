#include "longwire/status.h"

#include <algorithm>

#include "status_of.h"

namespace longwire::client {

namespace {

constexpr std::string_view kCodeNames[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

bool IsReason(std::string_view word) {
  return word.size() >= 3 && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace

std::string CodeName(grpc::StatusCode code) {
  const int number = static_cast<int>(code);
  if (number < 0 || number >= static_cast<int>(std::size(kCodeNames))) {
    return "CODE_" + std::to_string(number);
  }
  return std::string(kCodeNames[number]);
}

std::string Status::ToString() const {
  std::string line = CodeName(code);
  if (!reason.empty()) line += " (" + reason + ")";
  if (!text.empty()) line += ": " + text;
  return line;
}

namespace internal {

Status MakeStatus(grpc::StatusCode code, std::string text, std::string trailer_reason) {
  Status status{.code = code, .reason = std::move(trailer_reason)};
  const size_t colon = text.find(": ");
  if (colon != std::string::npos) {
    const std::string_view word = std::string_view(text).substr(0, colon);
    if (status.reason.empty() && IsReason(word)) status.reason = word;
    if (!word.empty() && word == status.reason) text.erase(0, colon + 2);
  }
  status.text = std::move(text);
  return status;
}

Status StatusOf(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return {};
  std::string reason;
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto at = trailers.find("longwire-reason"); at != trailers.end()) {
    reason.assign(at->second.data(), at->second.size());
  }
  return MakeStatus(status.error_code(), status.error_message(), std::move(reason));
}

bool IsFinal(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return true;
    default:
      return false;
  }
}

}  // namespace internal

}  // namespace longwire::client
