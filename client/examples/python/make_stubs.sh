#!/bin/sh
# Generates the Python stubs of the contract into generated/ beside this script, with Debian's
# protobuf-compiler and protobuf-compiler-grpc. Run it once, and again when the protos change.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
protos=${LONGWIRE_PROTO_DIR:-$here/../../../proto}
mkdir -p "$here/generated"
protoc --proto_path="$protos" --python_out="$here/generated" --grpc_out="$here/generated" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" \
  longwire/v1/types.proto longwire/v1/gateway.proto
