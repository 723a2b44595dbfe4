"""longwire-gateway with its doors guarded, met by stock clients: TLS, tokens, what it writes into its
log, and what it does when it has no file descriptor left."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import websockets

from support import PATIENCE_SECONDS, ProcessTestCase, built

SECRET = "a secret that signs tokens, of 32 bytes and more"


def segment(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(uid, seconds=60, secret=SECRET):
    """A token as a login service makes it."""
    header = segment(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = segment(json.dumps({"sub": uid, "exp": int(time.time()) + seconds}).encode())
    signature = hmac.new(secret.encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
    return f"{header}.{claims}.{segment(signature)}"


class ProtectedTestCase(ProcessTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return path

    def make_certificate(self):
        """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
        files = [os.path.join(self.directory, name) for name in ("cert.pem", "key.pem")]
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        command += "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost"
        subprocess.run(
            [*command.split(), "-out", files[0], "-keyout", files[1]],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        return files

    def jwt_flags(self):
        key_file = self.write("secret", SECRET + "\n")
        return ["--auth=jwt", "--jwt-algorithm=HS256", f"--jwt-key-file={key_file}"]


class StockClients(ProtectedTestCase):
    async def test_come_in_over_tls_with_a_token_and_backends_with_theirs(self):
        certificate, key = self.make_certificate()
        tokens = self.write("tokens", "the-backends-token\n")
        gateway = await self.start_gateway(
            f"--ws-tls-cert={certificate}",
            f"--ws-tls-key={key}",
            f"--grpc-tls-cert={certificate}",
            f"--grpc-tls-key={key}",
            f"--grpc-token-file={tokens}",
            *self.jwt_flags(),
        )
        cli = [built("CLI"), "--address", gateway.grpc, "--tls-ca", certificate]
        context = ssl.create_default_context(cafile=certificate)
        url = f"wss://{gateway.ws}/?token={token('alice')}"
        async with websockets.connect(url, ssl=context) as client:
            code, _, errors = await self.run_to_end(*cli, "sessions")
            self.assertNotEqual(code, 0)
            self.assertIn("CALLER_UNAUTHENTICATED", errors)
            cli += ["--token-file", tokens]
            code, out, _ = await self.run_to_end(*cli, "sessions")
            self.assertEqual(code, 0)
            self.assertIn("alice", out)
            code, _, _ = await self.run_to_end(*cli, "route", "--uid", "alice", "hello")
            self.assertEqual(code, 0)
            self.assertEqual(await asyncio.wait_for(client.recv(), PATIENCE_SECONDS), "hello")
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await websockets.connect(f"wss://{gateway.ws}/", ssl=context)
        self.assertEqual(refused.exception.status_code, 401)

    async def test_see_a_new_certificate_after_sighup(self):
        certificate, key = self.make_certificate()
        gateway = await self.start_gateway(f"--ws-tls-cert={certificate}", f"--ws-tls-key={key}")
        host, port = gateway.ws.split(":")

        def shown():
            return ssl.get_server_certificate((host, int(port)))

        old = await asyncio.to_thread(shown)
        self.make_certificate()
        gateway.process.signal(signal.SIGHUP)
        await gateway.process.err.expect(r"--ws-tls-cert.*was read again")
        self.assertNotEqual(await asyncio.to_thread(shown), old)


class Log(ProtectedTestCase):
    async def test_holds_no_token_no_secret_and_no_payload_however_much_it_tells(self):
        tokens = self.write("tokens", "the-backends-token\n")
        gateway = await self.start_gateway(
            "--log-level=trace",
            "--jwt-cookie=session",
            "--allowed-origins=https://app.example.com",
            "--message-bytes-max=100",
            f"--grpc-token-file={tokens}",
            *self.jwt_flags(),
        )
        hidden = ["the-backends-token", "the-wrong-token", SECRET, "payload-of-a-client"]
        hidden += ["payload-of-a-backend", "basic-credentials"]
        cli = [built("CLI"), "--address", gateway.grpc, "--token-file"]
        for good in (True, False):
            shown = token("alice") if good else token("alice", secret="another secret")
            hidden.append(shown)
            hidden.append(shown.split(".")[2])
            attempts = [
                {"uri": f"{gateway.url}?token={shown}"},
                {"uri": gateway.url, "extra_headers": {"Authorization": f"Bearer {shown}"}},
                {"uri": gateway.url, "extra_headers": {"Authorization": "Basic basic-credentials"}},
                {"uri": gateway.url, "extra_headers": {"Cookie": f"session={shown}"}},
            ]
            for attempt in attempts:
                try:
                    async with websockets.connect(**attempt) as client:
                        await client.send("payload-of-a-client")
                        await self.run_to_end(
                            *cli, tokens, "route", "--uid", "alice", "payload-of-a-backend"
                        )
                        await client.send("payload-of-a-client" * 100)
                        await client.wait_closed()
                except websockets.InvalidStatusCode:
                    pass
        wrong = self.write("wrong", "the-wrong-token\n")
        code, _, errors = await self.run_to_end(*cli, wrong, "sessions")
        self.assertNotEqual(code, 0)
        self.assertNotIn("the-wrong-token", errors)
        self.write("tokens", "the-backends-token with blanks\n")
        gateway.process.signal(signal.SIGHUP)
        await gateway.process.err.expect(r"--grpc-token-file.*stays as it was")
        self.assertEqual(await gateway.process.stop(), 0)

        written = "\n".join(await gateway.process.out.all() + await gateway.process.err.all())
        self.assertIn("drained", written)
        for text in hidden:
            self.assertNotIn(text, written)


class Descriptors(ProtectedTestCase):
    async def test_that_run_out_cost_neither_the_sessions_nor_the_processor_and_come_back(self):
        limited = await self.start(
            "prlimit",
            "--nofile=100:100",
            built("GATEWAY"),
            "--ws-listen=127.0.0.1:0",
            "--grpc-listen=127.0.0.1:0",
            "--admin-listen=",
            "--handshake-timeout=1h",
            "--threads=1",
        )
        ws = (await limited.out.expect(r"^ws listening on (\S+)$")).group(1)
        grpc = (await limited.out.expect(r"^grpc listening on (\S+)$")).group(1)
        cli = [built("CLI"), "--address", grpc]
        follower = await self.start(*cli, "events", "--json", "--from=earliest")
        session = json.loads(
            await self.first_event(follower, websockets.connect(f"ws://{ws}/"))
        )["sessionId"]

        host, port = ws.split(":")
        flood = [socket.create_connection((host, int(port))) for _ in range(200)]
        await limited.err.expect(r"no connection can be accepted")
        before = self.processor_seconds(limited)
        began = time.monotonic()
        # The follower's own stream is up already; what it is told goes on.
        await self.client.send("still here")
        await follower.out.expect(r"still here")
        # What is measured is a stretch of time, so one has to pass.
        await asyncio.sleep(1)
        share = (self.processor_seconds(limited) - before) / (time.monotonic() - began)
        self.assertLess(share, 0.5, "it spins while it cannot accept")

        for one in flood:
            one.close()
        await (await self.connect_eventually(f"ws://{ws}/")).close()
        code, _, _ = await self.run_to_end(*cli, "route", "--session", session, "and you?")
        self.assertEqual(code, 0)
        self.assertEqual(await asyncio.wait_for(self.client.recv(), PATIENCE_SECONDS), "and you?")
        await self.client.close()

    async def first_event(self, follower, connecting):
        self.client = await connecting
        return (await follower.out.expect(r"^\{.*ENTER.*\}$")).group(0)

    async def connect_eventually(self, url):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await websockets.connect(url, open_timeout=1)
            except (OSError, asyncio.TimeoutError, websockets.InvalidHandshake):
                self.assertLess(time.monotonic(), deadline, "it does not accept again")

    def processor_seconds(self, process):
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
