#pragma once

#include <grpcpp/grpcpp.h>

#include "server/base/metrics.h"
#include "server/base/refusal.h"

namespace longwire {

// The trailer that carries a refusal's reason, for programs; people read the text.
inline constexpr char kReasonTrailer[] = "longwire-reason";

// The status a call ends with, its reason in the trailer, and the refusal counted.
grpc::Status Refuse(const Refusal& refusal, grpc::CallbackServerContext& context, Metrics& metrics);
// The same for an end that refuses nobody: it is not counted.
grpc::Status EndWith(const Refusal& refusal, grpc::CallbackServerContext& context);

}  // namespace longwire
