"""The `longwire` command line against a real gateway: what it prints, and its exit codes (0 done,
1 the answer was an error or none came, 2 a wrong command line)."""

import asyncio
import json
import re
import socket as sockets
import unittest

import websockets

from support import PATIENCE_SECONDS, ProcessTestCase, built


async def hear(socket):
    return await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS)


async def closed_with(socket):
    """Waits until the gateway closes. Returns its close code and reason."""
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_SECONDS)
    return socket.close_code, socket.close_reason


class CliTestCase(ProcessTestCase):
    async def asyncSetUp(self):
        self.gateway = await self.start_gateway()

    async def longwire(self, *arguments, stdin=""):
        command = [built("CLI"), "--address", self.gateway.grpc, *arguments]
        return await self.run_to_end(*command, stdin=stdin)

    async def tail(self, *flags):
        """`longwire events`, once it follows the log, whose ID it knows."""
        events = await self.start(built("CLI"), "--address", self.gateway.grpc, "events", *flags)
        events.log_id = (await events.err.expect(r"ready: following log (\S+)")).group(1)
        return events

    async def connect(self):
        """A stock client's connection, and its session's ID."""
        events = await self.tail("--json", "--type=enter", "--count=1")
        socket = await websockets.connect(self.gateway.url)
        self.addAsyncCleanup(socket.close)
        self.assertEqual(await events.exit_code(), 0)
        (enter,) = await events.out.all()
        return socket, json.loads(enter)["sessionId"]


class Events(CliTestCase):
    async def test_json_tells_a_whole_session_as_one_object_a_line(self):
        events = await self.tail("--json", "--count=3")
        async with websockets.connect(self.gateway.url + "some/path?a=b") as socket:
            await socket.send("hi")

        self.assertEqual(await events.exit_code(), 0)
        enter, route, leave = [json.loads(line) for line in await events.out.all()]
        self.assertEqual(
            [event["type"] for event in (enter, route, leave)],
            ["EVENT_TYPE_ENTER", "EVENT_TYPE_ROUTE", "EVENT_TYPE_LEAVE"],
        )
        self.assertEqual(len({event["sessionId"] for event in (enter, route, leave)}), 1)
        self.assertLess(int(enter["sequence"]), int(route["sequence"]))
        self.assertLess(int(route["sequence"]), int(leave["sequence"]))
        self.assertEqual(enter["enter"]["path"], "/some/path")
        self.assertEqual(enter["enter"]["query"], "a=b")
        self.assertEqual(route["routed"]["message"], {"text": "hi"})
        self.assertEqual(leave["leave"]["reason"], "LEAVE_REASON_CLIENT_CLOSED")
        self.assertEqual(leave["leave"]["closeCode"], 1000)

    async def test_text_tells_it_for_people(self):
        events = await self.tail("--count=3")
        async with websockets.connect(self.gateway.url) as socket:
            await socket.send("hi")

        self.assertEqual(await events.exit_code(), 0)
        await events.out.expect(r"Z \d+ ENTER \d+ - from 127\.0\.0\.1:\d+ /$")
        await events.out.expect(r"Z \d+ ROUTE \d+ - text: hi$")
        await events.out.expect(r"Z \d+ LEAVE \d+ - CLIENT_CLOSED 1000$")

    async def test_resumes_behind_the_cursor_that_it_printed(self):
        events = await self.tail("--count=1")
        async with websockets.connect(self.gateway.url) as socket:
            self.assertEqual(await events.exit_code(), 0)
            cursor = (await events.err.expect(r"resume with --after (\S+)")).group(1)
            await socket.send("later")

        code, out, err = await self.longwire("events", "--json", "--after", cursor, "--count=2")

        self.assertEqual(code, 0, err)
        self.assertEqual(
            [json.loads(line)["type"] for line in out.splitlines()],
            ["EVENT_TYPE_ROUTE", "EVENT_TYPE_LEAVE"],
        )

    async def test_fewer_events_than_wanted_in_the_time_given_is_1(self):
        code, out, err = await self.longwire("events", "--count=1", "--for=50ms")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("only 0 of 1", err)

    async def test_a_cursor_beyond_the_head_is_1(self):
        beyond = (await self.tail()).log_id + ":999999"
        code, _, err = await self.longwire("events", "--after", beyond, "--for=10s")
        self.assertEqual(code, 1)
        self.assertIn("CURSOR_BEYOND_HEAD", err)


class Route(CliTestCase):
    async def test_reaches_the_session_with_text_binary_and_stdin(self):
        socket, session = await self.connect()
        accepted = (0, "accepted by 1 session", "")

        self.assertEqual(await self.longwire("route", "--session", session, "hello"), accepted)
        self.assertEqual(await hear(socket), "hello")
        self.assertEqual(
            await self.longwire("route", "--session", session, "--binary", "bytes"), accepted
        )
        self.assertEqual(await hear(socket), b"bytes")
        self.assertEqual(
            await self.longwire("route", "--session", session, stdin="from stdin\n"), accepted
        )
        self.assertEqual(await hear(socket), "from stdin")

    async def test_a_session_that_is_gone_is_1(self):
        code, out, err = await self.longwire("route", "--session", "123", "hello")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("SESSION_GONE", err)

    async def test_a_uid_that_is_offline_is_1(self):
        code, _, err = await self.longwire("route", "--uid", "nobody", "hello")
        self.assertEqual(code, 1)
        self.assertIn("UID_OFFLINE", err)


class Kick(CliTestCase):
    async def test_closes_the_session_with_the_code_and_reason_given(self):
        socket, session = await self.connect()
        events = await self.tail("--json", "--type=leave", "--count=1")

        answer = await self.longwire("kick", "--session", session, "--code=4001", "--reason=away")

        self.assertEqual(answer, (0, "kicked 1 session", ""))
        self.assertEqual(await closed_with(socket), (4001, "away"))
        self.assertEqual(await events.exit_code(), 0)
        (leave,) = [json.loads(line) for line in await events.out.all()]
        self.assertEqual(leave["sessionId"], session)
        self.assertEqual(
            leave["leave"],
            {"reason": "LEAVE_REASON_KICKED", "closeCode": 4001, "closeReason": "away"},
        )

    async def test_a_silent_one_is_told_only_to_who_asks(self):
        _, quiet = await self.connect()
        _, loud = await self.connect()
        usual = await self.tail("--json", "--type=leave", "--count=1")
        asking = await self.tail("--json", "--type=leave", "--count=2", "--include-silent")

        self.assertEqual((await self.longwire("kick", "--session", quiet, "--silent"))[0], 0)
        self.assertEqual((await self.longwire("kick", "--session", loud))[0], 0)

        async def told(events):
            self.assertEqual(await events.exit_code(), 0)
            return [json.loads(line)["sessionId"] for line in await events.out.all()]

        self.assertEqual(await told(usual), [loud])
        self.assertEqual(await told(asking), [quiet, loud])

    async def test_a_session_that_is_gone_is_1(self):
        code, _, err = await self.longwire("kick", "--session", "123")
        self.assertEqual(code, 1)
        self.assertIn("SESSION_GONE", err)

    async def test_a_close_code_that_may_not_be_sent_is_1(self):
        _, session = await self.connect()
        code, _, err = await self.longwire("kick", "--session", session, "--code=1005")
        self.assertEqual(code, 1)
        self.assertIn("1005", err)


class Connect(CliTestCase):
    async def connect_by_cli(self, *flags):
        """`longwire connect` with a stdin that stays open, and its session's ID."""
        events = await self.tail("--json", "--type=enter", "--count=1")
        client = await self.start(built("CLI"), "connect", self.gateway.url, *flags, stdin=None)
        self.assertEqual(await events.exit_code(), 0)
        (enter,) = await events.out.all()
        return client, json.loads(enter)["sessionId"]

    async def test_sends_prints_what_comes_and_ends_after_the_count(self):
        events = await self.tail("--json", "--type=route", "--count=1")
        client, session = await self.connect_by_cli("--send=hello", "--count=1")
        self.assertEqual(await events.exit_code(), 0)
        (route,) = [json.loads(line) for line in await events.out.all()]
        self.assertEqual(route["sessionId"], session)
        self.assertEqual(route["routed"]["message"], {"text": "hello"})

        await self.longwire("route", "--session", session, "and hello to you")

        self.assertEqual(await client.exit_code(), 0)
        self.assertEqual(await client.out.all(), ["and hello to you"])

    async def test_a_close_with_another_code_than_1000_is_told_and_is_1(self):
        client, session = await self.connect_by_cli()
        await self.longwire("kick", "--session", session, "--code=4001", "--reason=away")
        self.assertEqual(await client.exit_code(), 1)
        await client.err.expect(r'closed by the gateway: 4001.*"away"')

    async def test_a_plain_close_is_0(self):
        client, session = await self.connect_by_cli()
        await self.longwire("kick", "--session", session)
        self.assertEqual(await client.exit_code(), 0)

    async def test_a_refused_handshake_is_1_and_told_with_its_status(self):
        code, _, err = await self.longwire("connect", f"ws://{self.gateway.admin}/", "--for=10s")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"refused: HTTP 4\d\d")


class Sessions(CliTestCase):
    async def test_lists_them_for_people_and_counts(self):
        first, one = await self.connect()
        second, two = await self.connect()
        await first.send("hi")

        code, out, err = await self.longwire("sessions")

        self.assertEqual(code, 0, err)
        heading, *rows = out.splitlines()
        self.assertEqual(heading.split(), "SESSION UID FROM PATH SINCE IN OUT TOPICS".split())
        self.assertEqual({row.split()[0] for row in rows}, {one, two})
        self.assertRegex(rows[0], r"^\d+ +- +127\.0\.0\.1:\d+ +/ +\d{4}-\d\d-\d\dT")
        self.assertIn("2 of 2 sessions", err)

    async def test_lists_page_by_page_as_many_as_asked_for(self):
        for _ in range(5):
            await self.connect()
        code, out, err = await self.longwire("sessions", "--json", "--limit", "3")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(out.splitlines()), 3)
        self.assertIn("3 of 5 sessions", err)

    async def test_shows_one_and_those_in_a_topic(self):
        _, one = await self.connect()
        _, two = await self.connect()
        await self.longwire("topics", one, "--join", "news")

        code, out, err = await self.longwire("sessions", one, "--json")
        self.assertEqual(code, 0, err)
        shown = json.loads(out)
        self.assertEqual((shown["sessionId"], shown["topics"]), (one, ["news"]))

        code, out, err = await self.longwire("sessions", "--topic", "news", "--json")
        self.assertEqual([json.loads(line)["sessionId"] for line in out.splitlines()], [one])

        code, out, err = await self.longwire("sessions", "--topic", "void")
        self.assertEqual((code, out), (0, ""), err)

    async def test_says_what_is_wrong(self):
        for flags, code, text in (
            (("123",), 1, "SESSION_GONE"),
            (("--topic", "no good"), 1, "BAD_TOPIC_NAME"),
            (("--topic", ""), 2, "--topic"),
            (("--uid", "a", "--topic", "b"), 2, "--topic"),
            (("abc",), 2, "session"),
            (("--limit", "-1"), 2, "--limit"),
        ):
            with self.subTest(flags=flags):
                got, _, err = await self.longwire("sessions", *flags)
                self.assertEqual(got, code, err)
                self.assertIn(text, err)


class Topics(CliTestCase):
    async def test_joins_and_leaves(self):
        _, session = await self.connect()
        code, out, err = await self.longwire("topics", session, "--join", "b", "--join", "a")
        self.assertEqual((code, out), (0, "a\nb"), err)
        code, out, err = await self.longwire("topics", session, "--leave", "a", "--join", "c")
        self.assertEqual((code, out), (0, "b\nc"), err)
        code, out, err = await self.longwire("topics", session)
        self.assertEqual((code, out), (0, "b\nc"), err)

    async def test_says_what_is_wrong(self):
        _, session = await self.connect()
        for arguments, code, text in (
            (("123", "--join", "a"), 1, "SESSION_GONE"),
            ((session, "--join", "no good"), 1, "BAD_TOPIC_NAME"),
            ((), 2, "session"),
        ):
            with self.subTest(arguments=arguments):
                got, _, err = await self.longwire("topics", *arguments)
                self.assertEqual(got, code, err)
                self.assertIn(text, err)


class Broadcast(CliTestCase):
    async def test_reaches_a_topic_and_everyone_but_the_excepted(self):
        first, one = await self.connect()
        second, two = await self.connect()
        await self.longwire("topics", one, "--join", "news")

        code, out, err = await self.longwire("broadcast", "--topic", "news", "to the topic")
        self.assertEqual((code, out), (0, "accepted by 1 session"), err)
        code, out, err = await self.longwire("broadcast", "--everyone", stdin="to all\n")
        self.assertEqual((code, out), (0, "accepted by 2 sessions"), err)
        code, out, err = await self.longwire(
            "broadcast", "--everyone", "--except", one, "--binary", "not to the first"
        )
        self.assertEqual((code, out), (0, "accepted by 1 session"), err)

        self.assertEqual([await hear(first) for _ in range(2)], ["to the topic", "to all"])
        self.assertEqual([await hear(second) for _ in range(2)], ["to all", b"not to the first"])

    async def test_nobody_there_is_no_error(self):
        for audience in (("--topic", "void"), ("--uid", "nobody", "--uid", "else")):
            code, out, err = await self.longwire("broadcast", *audience, "hello?")
            self.assertEqual((code, out), (0, "accepted by 0 sessions"), err)

    async def test_says_what_is_wrong(self):
        for arguments, code, text in (
            (("hello",), 2, "--topic"),
            (("--everyone", "--topic", "a", "hello"), 2, "Exactly 1"),
            (("--topic", "no good", "hello"), 1, "BAD_TOPIC_NAME"),
            (("--uid", "", "hello"), 1, "UID_EMPTY"),
        ):
            with self.subTest(arguments=arguments):
                got, _, err = await self.longwire("broadcast", *arguments)
                self.assertEqual(got, code, err)
                self.assertIn(text, err)


class ExitCodes(CliTestCase):
    async def test_a_wrong_command_line_is_2(self):
        for wrong in (
            [],
            ["no-such-command"],
            ["events", "--no-such-flag"],
            ["events", "--after", "nonsense"],
            ["events", "--type", "nonsense"],
            ["events", "--for", "soon"],
            ["route", "hello"],
            ["route", "--session", "1", "--uid", "a", "hello"],
            ["route", "--session", "nonsense", "hello"],
            ["kick"],
            ["connect"],
            ["connect", "http://127.0.0.1/"],
            ["connect", "ws://127.0.0.1/", "--header", "nonsense"],
        ):
            with self.subTest(arguments=wrong):
                code, out, err = await self.longwire(*wrong)
                self.assertEqual((code, out), (2, ""), err)
                self.assertNotEqual(err, "")

    async def test_help_is_0(self):
        code, out, _ = await self.longwire("--help")
        self.assertEqual(code, 0)
        for command in ("events", "route", "kick", "connect"):
            self.assertTrue(re.search(rf"^\s+{command}\b", out, re.MULTILINE), command)

    async def test_no_gateway_is_1_and_names_the_address(self):
        # Taken, and nobody listens: every connection is refused.
        with sockets.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % silent.getsockname()[1]
            for command in (
                ["events"],
                ["route", "--session", "1", "hello"],
                ["kick", "--session", "1"],
                ["connect", f"ws://{address}/"],
            ):
                with self.subTest(command=command[0]):
                    code, out, err = await self.run_to_end(
                        built("CLI"), "--address", address, *command
                    )
                    self.assertEqual((code, out), (1, ""), err)
                    self.assertIn(address, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
