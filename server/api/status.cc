#include "server/api/status.h"

#include <string>

namespace longwire {

grpc::Status Refuse(const Refusal& refusal, grpc::CallbackServerContext& context, Metrics& metrics) {
  metrics.Refused(refusal.reason);
  context.AddTrailingMetadata(kReasonTrailer, std::string(ReasonName(refusal.reason)));
  return {static_cast<grpc::StatusCode>(refusal.code()), refusal.ToString()};
}

}  // namespace longwire
