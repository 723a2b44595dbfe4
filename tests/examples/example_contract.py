"""What each echo backend under client/examples does, in whatever language it is written."""

import json

from support import built


class ExampleContract:
    """A mix-in for a ProcessTestCase, which gives the backend's command line and a stock client."""

    def command(self):
        raise NotImplementedError

    async def talk(self, url, text, binary):
        """Sends both to a gateway and closes with 1000. Returns the answers, a str and bytes."""
        raise NotImplementedError

    async def start_example(self, gateway):
        example = await self.start(
            *self.command(), gateway.grpc, environment={"LONGWIRE_PROTO_DIR": built("PROTO_DIR")}
        )
        await example.out.expect(r"^ready$")
        return example

    async def assert_echoes(self, url):
        text, binary = await self.talk(url, "grüße", b"\x00\xff\x80")
        self.assertEqual(text, "echo: grüße")
        self.assertEqual(binary, b"\x00\xff\x80")

    async def test_answers_each_message_and_tells_each_event(self):
        gateway = await self.start_gateway()
        example = await self.start_example(gateway)

        await self.assert_echoes(gateway.url)

        enter = await example.out.expect(r"^ENTER (session \d+) uid - from 127\.0\.0\.1")
        session = enter.group(1)
        await example.out.expect(rf"^ROUTE {session} uid - text .grüße.$")
        await example.out.expect(rf"^ROUTE {session} uid - binary ")
        await example.out.expect(rf"^LEAVE {session} uid - LEAVE_REASON_CLIENT_CLOSED 1000$")

    async def test_carries_on_when_the_gateway_has_restarted(self):
        gateway = await self.start_gateway()
        example = await self.start_example(gateway)

        gateway = await self.restart_gateway(gateway)

        await example.out.expect(r"^stream broke: ")
        await example.out.expect(r"^GAP GAP_REASON_RESTART$")
        await self.assert_echoes(gateway.url)

    async def test_ends_cleanly_on_sigterm(self):
        gateway = await self.start_gateway()
        example = await self.start_example(gateway)

        self.assertEqual(await example.stop(), 0)
        self.assertEqual(await example.err.all(), [])


def answers_of(line):
    """The two answers that stock_client/talk.js printed."""
    text, binary = json.loads(line)
    return text["text"], bytes.fromhex(binary["binary"])
