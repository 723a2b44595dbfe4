#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace longwire::test {

// What grpc.health.v1.Health/Check says of a service: "SERVING", "NOT_SERVING", or the error.
std::string HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service);

// What server reflection lists, as it came: the names stand in it as they are.
std::string ReflectedServices(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace longwire::test
