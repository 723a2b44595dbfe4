#include "tests/support/health.h"

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <mutex>

#include "tests/support/rpc.h"

namespace longwire::test {
namespace {

// gRPC's own health and reflection protos are linked into the gateway in this process, and a second
// copy of a proto file ends the process. So their few fields are written and read as unknown ones.
using google::protobuf::Empty;
using google::protobuf::UnknownFieldSet;

UnknownFieldSet& Fields(Empty& message) {
  return *message.GetReflection()->MutableUnknownFields(&message);
}

grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                  const Empty& request, Empty& response) {
  grpc::ClientContext context;
  SetDeadline(context);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  grpc::Status status;
  grpc::TemplatedGenericStub<Empty, Empty>(channel).UnaryCall(&context, method, {}, &request,
                                                              &response, [&](grpc::Status result) {
                                                                const std::lock_guard lock(mutex);
                                                                status = std::move(result);
                                                                done = true;
                                                                changed.notify_all();
                                                              });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return status;
}

}  // namespace

std::string HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  Empty request;
  Empty response;
  Fields(request).AddLengthDelimited(1, service);
  const grpc::Status status = Call(channel, "/grpc.health.v1.Health/Check", request, response);
  if (!status.ok()) return "error " + std::to_string(status.error_code()) + status.error_message();
  const UnknownFieldSet& fields = Fields(response);
  const uint64_t value = fields.empty() ? 0 : fields.field(0).varint();
  return value == 1 ? "SERVING" : value == 2 ? "NOT_SERVING" : "status " + std::to_string(value);
}

std::string ReflectedServices(const std::shared_ptr<grpc::Channel>& channel) {
  // The method streams both ways; one request and one response look on the wire like a unary call.
  Empty request;
  Empty response;
  Fields(request).AddLengthDelimited(7, "");  // list_services
  const grpc::Status status = Call(
      channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", request, response);
  return status.ok() ? response.SerializeAsString() : "error: " + status.error_message();
}

}  // namespace longwire::test
