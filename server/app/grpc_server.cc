#include "server/app/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <climits>

#include "server/base/limits.h"

namespace longwire {
namespace {

void SetArguments(const GrpcServerOptions& options, grpc::ServerBuilder& builder) {
  // By default gRPC shares its port, and a second gateway would silently take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kGrpcKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kGrpcKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kGrpcClientPingIntervalMillisMin);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kGrpcStreamsPerConnectionMax);
  if (options.connection_age_max_millis > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               static_cast<int>(options.connection_age_max_millis > INT_MAX
                                                    ? INT_MAX
                                                    : options.connection_age_max_millis));
  }
  builder.SetMaxReceiveMessageSize(static_cast<int>(kGrpcMessageBytesMax));
}

}  // namespace

absl::StatusOr<GrpcServer> StartGrpcServer(const GrpcServerOptions& options,
                                           grpc::Service& service) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetArguments(options, builder);
  int port = 0;
  // The address as it was resolved and judged: gRPC would listen on every address of a name.
  builder.AddListeningPort(options.address.numeric(), options.credentials, &port);
  builder.RegisterService(&service);
  GrpcServer started{.server = builder.BuildAndStart()};
  if (started.server == nullptr || port == 0) {
    return absl::UnavailableError(
        fmt::format("--grpc-listen: cannot listen on {}: is the port taken, or the address not of "
                    "this machine?",
                    options.address.numeric()));
  }
  started.endpoint = options.address.EndpointAt(static_cast<uint16_t>(port));
  return started;
}

}  // namespace longwire
