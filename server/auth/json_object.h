#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <string_view>

#include "absl/status/statusor.h"

namespace longwire {

// Reads a text that has to be one JSON object (RFC 8259), from anybody: valid UTF-8, at most 32
// levels deep, and no member of the object named twice, of which different readers would take
// different ones. (Objects inside of it keep the last of equal names.)
//
// The error says in a few words what the text is instead, and nothing of what is in it: "is not
// JSON". `storage` is where the object is kept.
absl::StatusOr<boost::json::object> ParseJsonObject(std::string_view text,
                                                    boost::json::storage_ptr storage = {});

}  // namespace longwire
