#!/usr/bin/python3
"""A whole backend in Python: prints what happens, answers each message, survives restarts.

    ./make_stubs.sh                          # once; needs protobuf-compiler-grpc
    ./echo_backend.py 127.0.0.1:9090         # needs python3-grpcio and python3-protobuf

Where the gateway is protected, LONGWIRE_TLS_CA names the PEM file of its CA, and LONGWIRE_TOKEN_FILE
that of the bearer token. It prints `ready` once the gateway has answered, then a line for each event.
"""

import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated"))

import grpc
from longwire.v1 import gateway_pb2, gateway_pb2_grpc, types_pb2

# No retry betters these: the request itself is wrong, or not for us.
FINAL_CODES = {
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}

# The gateway allows a ping each 10 s; one finds a connection that died without a word.
CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


def say(*words):
    print(*words, flush=True)


def open_channel(address):
    """With TLS if LONGWIRE_TLS_CA is set. Without it, whoever sees the traffic has the token."""
    ca_file = os.environ.get("LONGWIRE_TLS_CA")
    if not ca_file:
        return grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
    with open(ca_file, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    return grpc.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def authorization():
    """The metadata of a call. Tokens expire and are replaced, so the file is read each time."""
    token_file = os.environ.get("LONGWIRE_TOKEN_FILE")
    if not token_file:
        return []
    with open(token_file, encoding="ascii") as file:
        return [("authorization", "Bearer " + file.read().strip())]


def answer(gateway, event):
    """Sends one message back to the session that wrote."""
    received = event.routed.message
    if received.WhichOneof("body") == "text":
        message = types_pb2.Message(text="echo: " + received.text)
    else:
        message = types_pb2.Message(binary=received.binary)
    request = gateway_pb2.RouteRequest(session_id=event.session_id, message=message)
    try:
        gateway.Route(request, timeout=5, metadata=authorization())
    except grpc.RpcError as error:
        # NOT_FOUND: it has left meanwhile, and its LEAVE follows. Anything else deserves a look.
        if error.code() != grpc.StatusCode.NOT_FOUND:
            say("not delivered to", event.session_id, error.code().name, error.details())


def handle(gateway, event):
    who = f"session {event.session_id} uid {event.uid or '-'}"
    if event.type == types_pb2.EVENT_TYPE_ENTER:
        say("ENTER", who, "from", event.enter.remote_address)
    elif event.type == types_pb2.EVENT_TYPE_ROUTE:
        message = event.routed.message
        kind = message.WhichOneof("body")
        say("ROUTE", who, kind, repr(getattr(message, kind)))
        answer(gateway, event)
    elif event.type == types_pb2.EVENT_TYPE_LEAVE:
        reason = types_pb2.LeaveReason.Name(event.leave.reason)
        say("LEAVE", who, reason, event.leave.close_code)


def follow(gateway, cursor, on_response):
    """One stream: from the cursor, or from now on if there is none yet. Ends by an RpcError."""
    request = gateway_pb2.SubscribeEventsRequest()
    if cursor is not None:
        request.after.CopyFrom(cursor)
    else:
        request.start_at = types_pb2.START_AT_LATEST
    # wait_for_ready: a gateway that is away or starting is waited for; gRPC tries by itself.
    stream = gateway.SubscribeEvents(request, metadata=authorization(), wait_for_ready=True)
    for response in stream:
        on_response(response)


class Backend:
    def __init__(self, gateway):
        self.gateway = gateway
        self.cursor = None  # where to resume: all up to here has been handled
        self.in_snapshot = False
        self.failures = 0

    def on_response(self, response):
        self.failures = 0
        if self.cursor is None:
            say("ready")
        if response.HasField("gap"):
            say("GAP", types_pb2.GapReason.Name(response.gap.reason))
            # After a restart the live sessions are told again, as after START_AT_SNAPSHOT. Until
            # all are, the old cursor stays: a break half way must begin it anew.
            self.in_snapshot = response.gap.reason == types_pb2.GAP_REASON_RESTART
        for event in response.events:
            handle(self.gateway, event)
        if response.snapshot_done:
            self.in_snapshot = False
        if not self.in_snapshot:
            self.cursor = gateway_pb2.Cursor(log_id=response.log_id, sequence=response.covered)

    def run(self):
        while True:
            self.in_snapshot = False
            try:
                follow(self.gateway, self.cursor, self.on_response)
            except grpc.RpcError as error:
                if error.code() in FINAL_CODES:
                    say("refused:", error.code().name, error.details())
                    return 1
                say("stream broke:", error.code().name)
            longest = min(5.0, 0.1 * 2**self.failures)
            self.failures = min(self.failures + 1, 10)
            time.sleep(random.uniform(longest / 2, longest))


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        print(f"usage: {sys.argv[0]} [HOST:PORT]   (default 127.0.0.1:9090)", file=sys.stderr)
        sys.exit(2)
    address = sys.argv[1] if len(sys.argv) == 2 else "127.0.0.1:9090"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with open_channel(address) as channel:
            sys.exit(Backend(gateway_pb2_grpc.GatewayStub(channel)).run())
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
