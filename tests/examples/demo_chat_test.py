"""longwire-demo-chat behind a real gateway, as the people in it see it."""

import asyncio
import unittest

import websockets

from support import PATIENCE_SECONDS, ProcessTestCase, built, get


async def hear(socket):
    return await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS)


async def greeted(socket):
    """Waits for the greeting. Returns the name that it gives."""
    line = await hear(socket)
    assert line.startswith("* welcome, "), line
    return line.removeprefix("* welcome, ").split("!")[0]


class DemoChat(ProcessTestCase):
    async def start_chat(self, gateway):
        chat = await self.start(built("DEMO_CHAT"), "--address", gateway.grpc)
        await chat.out.expect(r"^chat: \d+ here$")
        return chat

    async def test_greets_carries_words_and_announces_who_leaves(self):
        gateway = await self.start_gateway("--demo")
        await self.start_chat(gateway)

        async with websockets.connect(gateway.url) as alice:
            alice_name = await greeted(alice)
            async with websockets.connect(gateway.url) as bob:
                bob_name = await greeted(bob)
                self.assertNotEqual(alice_name, bob_name)
                self.assertEqual(await hear(alice), f"* {bob_name} joined")

                await bob.send("hello")
                self.assertEqual(await hear(bob), f"{bob_name}: hello")
                self.assertEqual(await hear(alice), f"{bob_name}: hello")
            self.assertEqual(await hear(alice), f"* {bob_name} left")

    async def test_knows_those_who_came_before_it(self):
        gateway = await self.start_gateway("--demo")
        async with websockets.connect(gateway.url) as early:
            chat = await self.start(built("DEMO_CHAT"), "--address", gateway.grpc)
            await chat.out.expect(r"^chat: 1 here$")

            await early.send("/who")

            self.assertRegex(await hear(early), r"^\* here: \S+$")

    async def test_carries_on_when_the_gateway_has_restarted(self):
        gateway = await self.start_gateway("--demo")
        chat = await self.start_chat(gateway)

        gateway = await self.restart_gateway(gateway, "--demo")

        await chat.out.expect(r"^chat: ready")
        async with websockets.connect(gateway.url) as socket:
            await greeted(socket)

    async def test_ends_cleanly_on_sigterm(self):
        gateway = await self.start_gateway("--demo")
        chat = await self.start_chat(gateway)

        self.assertEqual(await chat.stop(), 0)
        await chat.out.expect(r"^chat: bye$")

    async def test_its_page_is_served_only_with_demo(self):
        with_demo = await self.start_gateway("--demo")
        without = await self.start_gateway()

        status, content_type, body = await get(with_demo.ws, "/")
        self.assertEqual(status, 200)
        self.assertTrue(content_type.startswith("text/html"), content_type)
        self.assertIn("WebSocket", body)
        status, _, _ = await get(without.ws, "/")
        self.assertEqual(status, 426)


if __name__ == "__main__":
    unittest.main(verbosity=2)
