"""Consumer groups with whole processes: the Python worker and the CLI, and what a kill -9 does."""

import asyncio
import json
import os
import re
import signal
import sys
import unittest

import websockets

from support import PATIENCE_SECONDS, ProcessTestCase, built


class GroupTestCase(ProcessTestCase):
    async def start_worker(self, gateway):
        worker = await self.start(
            sys.executable,
            os.path.join(built("PYTHON_EXAMPLE"), "group_worker.py"),
            "workers",
            gateway.grpc,
            environment={"LONGWIRE_PROTO_DIR": built("PROTO_DIR")},
        )
        await worker.out.expect(r"^ready$")
        return worker

    async def longwire(self, gateway, *arguments):
        return await self.run_to_end(built("CLI"), "--address", gateway.grpc, *arguments)

    async def connect(self, gateway, count):
        sockets = [await websockets.connect(gateway.url) for _ in range(count)]
        for socket in sockets:
            self.addAsyncCleanup(socket.close)
        return sockets

    async def handled_by(self, workers, count):
        """The sequences that each worker printed, once there are so many different ones."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            handled = [
                [int(found.group(1)) for line in worker.out.seen() if (found := EVENT.match(line))]
                for worker in workers
            ]
            if len(set().union(*handled)) >= count:
                return handled
            self.assertLess(asyncio.get_running_loop().time(), deadline, handled)
            await asyncio.sleep(0.01)


EVENT = re.compile(r"^(?:ENTER|ROUTE|LEAVE) (\d+) ")


class Workers(GroupTestCase):
    async def test_share_the_events_and_each_is_handled_once(self):
        gateway = await self.start_gateway()
        workers = [await self.start_worker(gateway) for _ in range(3)]
        for socket in await self.connect(gateway, 30):
            await socket.send("hi")

        handled = await self.handled_by(workers, 60)

        self.assertEqual(sorted(sum(handled, [])), list(range(1, 61)))
        for sequences in handled:
            self.assertNotEqual(sequences, [])

    async def test_what_a_killed_worker_had_goes_to_the_others(self):
        gateway = await self.start_gateway()
        workers = [await self.start_worker(gateway) for _ in range(3)]
        sockets = await self.connect(gateway, 30)
        # One stops in its tracks, with events in its hands, and is then killed.
        workers[0].signal(signal.SIGSTOP)
        for socket in sockets:
            await socket.send("hi")
        workers[0].signal(signal.SIGKILL)
        await workers[0].exit_code()
        newcomer = await self.start_worker(gateway)

        handled = await self.handled_by([*workers, newcomer], 60)

        self.assertEqual(set().union(*handled), set(range(1, 61)))

    async def test_are_told_of_a_restart(self):
        gateway = await self.start_gateway()
        worker = await self.start_worker(gateway)
        await self.connect(gateway, 1)
        await self.handled_by([worker], 1)

        gateway = await self.restart_gateway(gateway)

        await worker.out.expect(r"^stream broke: ")
        await worker.out.expect(r"^GAP GAP_REASON_RESTART$")
        await self.connect(gateway, 1)
        await worker.out.expect(r"^ENTER 1 ")


class Events(GroupTestCase):
    async def test_with_ack_the_group_goes_on_behind_what_was_printed(self):
        gateway = await self.start_gateway()
        await self.connect(gateway, 5)
        member = ("events", "--group", "tools", "--ack", "--json", "--from", "earliest")

        first, out, err = await self.longwire(gateway, *member, "--count", "3")
        second, rest, _ = await self.longwire(gateway, *member, "--count", "2")

        self.assertEqual((first, second), (0, 0), err)
        self.assertIn("acknowledged 3 events", err)
        sequences = [json.loads(line)["sequence"] for line in (out + "\n" + rest).splitlines()]
        self.assertEqual(sequences, ["1", "2", "3", "4", "5"])

    async def test_without_ack_what_was_sent_counts_as_dealt_with(self):
        gateway = await self.start_gateway()
        await self.connect(gateway, 2)
        member = ("events", "--group", "tools", "--json", "--from", "earliest")
        code, out, err = await self.longwire(gateway, *member, "--count", "2")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(out.splitlines()), 2)
        self.assertNotIn("--after", err, "the group keeps its own place")

        await self.connect(gateway, 1)
        code, out, err = await self.longwire(gateway, *member, "--count", "1")

        self.assertEqual(json.loads(out)["sequence"], "3", err)

    async def test_says_what_cannot_be(self):
        gateway = await self.start_gateway()
        for flags, code, text in (
            (("--ack",), 2, "--group"),
            (("--group", "g", "--from", "snapshot"), 2, "snapshot"),
            (("--group", "no good", "--ack"), 1, "BAD_GROUP_NAME"),
            (("--group", "g", "--ack", "--ack-timeout", "soon"), 2, "--ack-timeout"),
        ):
            with self.subTest(flags=flags):
                got, _, err = await self.longwire(gateway, "events", *flags)
                self.assertEqual(got, code, err)
                self.assertIn(text, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
