#!/bin/sh
# Copies the Python example to where the tests run it, and makes its stubs there as its users would:
#   prepare_python.sh SOURCE_DIR DESTINATION_DIR
set -eu
mkdir -p "$2"
cp "$1"/*.py "$1/make_stubs.sh" "$2"
"$2/make_stubs.sh"
