"""longwire-gateway as an operator meets it: its command line, its signals, its exit codes."""

import asyncio
import json
import os
import signal
import tempfile
import unittest

import websockets

from support import PATIENCE_SECONDS, ProcessTestCase, built, get


async def closed_with(socket):
    """Waits until the gateway closes. Returns its close code."""
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_SECONDS)
    return socket.close_code


class Signals(ProcessTestCase):
    async def assert_drains_on(self, number):
        gateway = await self.start_gateway()
        subscriber = await self.start(
            built("CLI"), "--address", gateway.grpc, "events", "--json", "--type=leave", "--count=2"
        )
        await subscriber.err.expect(r"ready: following log")
        async with websockets.connect(gateway.url) as one, websockets.connect(gateway.url) as two:
            gateway.process.signal(number)
            self.assertEqual(await closed_with(one), 1001)
            self.assertEqual(await closed_with(two), 1001)
        self.assertEqual(await subscriber.exit_code(), 0)
        leaves = [json.loads(line) for line in await subscriber.out.all()]
        for leave in leaves:
            self.assertEqual(leave["leave"]["reason"], "LEAVE_REASON_DRAINED")
        self.assertEqual(len({leave["sessionId"] for leave in leaves}), 2)
        self.assertEqual(await gateway.process.exit_code(), 0)

    async def test_sigterm_closes_clients_tells_their_leave_and_exits_with_0(self):
        await self.assert_drains_on(signal.SIGTERM)

    async def test_sigint_does_the_same(self):
        await self.assert_drains_on(signal.SIGINT)

    async def test_while_it_drains_it_lives_but_admits_nobody_and_a_second_signal_hurries_it(self):
        gateway = await self.start_gateway("--drain-delay=10m")
        async with websockets.connect(gateway.url) as early:
            gateway.process.signal(signal.SIGTERM)
            await self.eventually_not_ready(gateway)

            self.assertEqual((await get(gateway.ws, "/healthz"))[0], 200)
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await websockets.connect(gateway.url)
            self.assertEqual(refused.exception.status_code, 503)
            self.assertTrue(early.open)

            gateway.process.signal(signal.SIGTERM)
            self.assertEqual(await closed_with(early), 1001)
        self.assertEqual(await gateway.process.exit_code(), 0)

    async def eventually_not_ready(self, gateway):
        async def look():
            while (await get(gateway.ws, "/readyz"))[0] != 503:
                pass

        await asyncio.wait_for(look(), PATIENCE_SECONDS)


class Ports(ProcessTestCase):
    async def assert_refuses_the_port_of(self, endpoint):
        first = await self.start_gateway()
        taken = getattr(first, endpoint)
        listen = {**dict.fromkeys(("ws", "grpc", "admin"), "127.0.0.1:0"), endpoint: taken}
        flags = [f"--{name}-listen={address}" for name, address in listen.items()]

        code, out, err = await self.run_to_end(built("GATEWAY"), *flags)

        self.assertEqual(code, 1)
        self.assertEqual(out, "")
        self.assertIn(f"--{endpoint}-listen", err)
        self.assertIn(taken, err)
        self.assertIn("in use", err.lower())
        # The first one goes on.
        self.assertEqual((await get(first.ws, "/healthz"))[0], 200)

    async def test_a_second_gateway_on_the_websocket_port_fails_and_says_why(self):
        await self.assert_refuses_the_port_of("ws")

    async def test_a_second_gateway_on_the_grpc_port_fails_and_says_why(self):
        await self.assert_refuses_the_port_of("grpc")

    async def test_a_second_gateway_on_the_admin_port_fails_and_says_why(self):
        await self.assert_refuses_the_port_of("admin")


class CommandLine(ProcessTestCase):
    async def check(self, *flags, **how):
        return await self.run_to_end(built("GATEWAY"), "--check-config", *flags, **how)

    async def assert_refused(self, names, *flags, **how):
        code, _, err = await self.check(*flags, **how)
        self.assertEqual(code, 2, err)
        self.assertIn(names, err)

    async def test_check_config_says_that_options_are_valid_and_starts_nothing(self):
        answer = await self.check("--keepalive-timeout=30s")
        self.assertEqual(answer, (0, "The options are valid.", ""))

    async def test_check_config_names_the_option_that_is_wrong(self):
        await self.assert_refused("--keepalive-timeout", "--keepalive-timeout=soon")
        await self.assert_refused("--outbox-bytes-max", "--outbox-bytes-max=1")
        await self.assert_refused("--authenticator-address", "--auth=grpc")

    async def test_an_unknown_flag_is_refused(self):
        await self.assert_refused("--no-such-flag", "--no-such-flag")

    async def test_what_would_be_open_to_other_machines_has_to_be_asked_for(self):
        await self.assert_refused("--auth", "--ws-listen=0.0.0.0:0")
        await self.assert_refused("--grpc-insecure", "--grpc-listen=0.0.0.0:0")
        code, _, err = await self.check("--ws-listen=0.0.0.0:0", "--auth=none")
        self.assertEqual(code, 0, err)
        code, _, err = await self.check("--grpc-listen=0.0.0.0:0", "--grpc-insecure")
        self.assertEqual(code, 0, err)

    async def test_the_environment_sets_options_too_and_a_flag_wins_over_it(self):
        wrong = {"environment": {"LONGWIRE_KEEPALIVE_TIMEOUT": "soon"}}
        await self.assert_refused("--keepalive-timeout", **wrong)
        code, _, err = await self.check("--keepalive-timeout=30s", **wrong)
        self.assertEqual(code, 0, err)
        # As deploy/Dockerfile and docker-compose.yml say it.
        code, _, err = await self.check(
            "--grpc-insecure",
            environment={"LONGWIRE_WS_LISTEN": "0.0.0.0:0", "LONGWIRE_GRPC_LISTEN": "0.0.0.0:0",
                         "LONGWIRE_AUTH": "none"},
        )
        self.assertEqual(code, 0, err)

    async def test_a_config_file_sets_options_too_and_an_unknown_key_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "gateway.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write('keepalive-timeout="30s"\n')
            code, _, err = await self.check(f"--config={path}")
            self.assertEqual(code, 0, err)
            with open(path, "a", encoding="utf-8") as file:
                file.write("no-such-key=1\n")
            await self.assert_refused("no-such-key", f"--config={path}")

    async def test_help_and_version_are_answers(self):
        code, out, _ = await self.run_to_end(built("GATEWAY"), "--help")
        self.assertEqual(code, 0)
        self.assertIn("--ws-listen", out)
        code, out, _ = await self.run_to_end(built("GATEWAY"), "--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
