// From gRPC's status to ours.
#pragma once

#include <grpcpp/client_context.h>

#include "longwire/status.h"

namespace longwire::client::internal {

// Takes the reason from the trailer `longwire-reason`, else from a text that begins with it
// ("SESSION_GONE: ..."); where the text repeats the reason, it is cut from the text.
// REQUIRES: the call of `context` has finished.
Status StatusOf(const grpc::Status& status, const grpc::ClientContext& context);

// The same without a context: `trailer_reason` is what the trailer said, possibly nothing.
Status MakeStatus(grpc::StatusCode code, std::string text, std::string trailer_reason);

// Whether no retry of a stream can help: the caller or the gateway must change first.
bool IsFinal(grpc::StatusCode code);

}  // namespace longwire::client::internal
