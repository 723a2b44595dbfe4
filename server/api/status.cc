#include "server/api/status.h"

#include <string>

namespace longwire {

grpc::Status Refuse(const Refusal& refusal, grpc::CallbackServerContext& context,
                    Metrics& metrics) {
  metrics.Refused(refusal.reason);
  return EndWith(refusal, context);
}

grpc::Status EndWith(const Refusal& refusal, grpc::CallbackServerContext& context) {
  context.AddTrailingMetadata(kReasonTrailer, std::string(ReasonName(refusal.reason)));
  return {static_cast<grpc::StatusCode>(refusal.code()), refusal.ToString()};
}

}  // namespace longwire
