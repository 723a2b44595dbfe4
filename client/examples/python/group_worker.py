#!/usr/bin/python3
"""One of many workers that share the events of a consumer group: each event is handled by one of
them, those of one user in order, and what a worker that dies has not acknowledged goes to another.

    ./make_stubs.sh                                  # once; needs protobuf-compiler-grpc
    ./group_worker.py workers 127.0.0.1:9090         # start as many as you like

LONGWIRE_TLS_CA and LONGWIRE_TOKEN_FILE are as in echo_backend.py. It prints `ready` once it is a member, then a line for each event that it has handled.
"""

import random
import signal
import sys
import time

import grpc

from echo_backend import FINAL_CODES, authorization, open_channel, say
from longwire.v1 import gateway_pb2, gateway_pb2_grpc, types_pb2


def handle(event):
    """Your work. It may be called twice for one event, so it has to be harmless then."""
    say(types_pb2.EventType.Name(event.type)[11:], event.sequence, event.uid or event.session_id)


class Worker:
    def __init__(self, gateway, group):
        self.gateway = gateway
        self.group = group
        self.cursor = None
        self.failures = 0

    def request(self):
        request = gateway_pb2.SubscribeEventsRequest(consumer_group=self.group, manual_ack=True)
        # Both only count for a group that is new. Ours is if the gateway has restarted: the cursor
        # then tells it what we may have missed, and it tells us by a Gap.
        if self.cursor is not None:
            request.after.CopyFrom(self.cursor)
        else:
            request.start_at = types_pb2.START_AT_EARLIEST
        return request

    def on_response(self, response):
        self.failures = 0
        if self.cursor is None:
            say("ready")
        if response.HasField("gap"):
            # RETENTION: events are lost, reconcile. RESTART: all sessions you know have ended.
            say("GAP", types_pb2.GapReason.Name(response.gap.reason))
        for event in response.events:
            handle(event)
        if response.events:
            self.acknowledge(response)
        self.cursor = gateway_pb2.Cursor(log_id=response.log_id, sequence=response.covered)

    def acknowledge(self, response):
        """All that this stream has brought so far. For long work, do it event by event."""
        request = gateway_pb2.AckEventsRequest(
            subscription_id=response.subscription_id, up_to=response.events[-1].sequence
        )
        try:
            self.gateway.AckEvents(request, timeout=5, metadata=authorization())
        except grpc.RpcError as error:
            # NOT_FOUND: the stream has ended. Whatever it was, what is not acknowledged comes again.
            say("not acknowledged:", error.code().name)

    def run(self):
        while True:
            try:
                stream = self.gateway.SubscribeEvents(
                    self.request(), metadata=authorization(), wait_for_ready=True
                )
                for response in stream:
                    self.on_response(response)
            except grpc.RpcError as error:
                if error.code() in FINAL_CODES:
                    say("refused:", error.code().name, error.details())
                    return 1
                say("stream broke:", error.code().name)
                # We were too slow and others have our events: there is nothing to wait for.
                if error.code() == grpc.StatusCode.ABORTED:
                    continue
            longest = min(5.0, 0.1 * 2**self.failures)
            self.failures = min(self.failures + 1, 10)
            time.sleep(random.uniform(longest / 2, longest))


def main():
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith("-"):
        print(f"usage: {sys.argv[0]} GROUP [HOST:PORT]   (default 127.0.0.1:9090)", file=sys.stderr)
        sys.exit(2)
    address = sys.argv[2] if len(sys.argv) == 3 else "127.0.0.1:9090"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with open_channel(address) as channel:
            sys.exit(Worker(gateway_pb2_grpc.GatewayStub(channel), sys.argv[1]).run())
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
